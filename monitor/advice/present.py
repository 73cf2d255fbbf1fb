"""From a daemon's answer to what is printed."""

from __future__ import annotations

import sys

import msgspec
from rich.console import Console

from monitor.advice.view import view
from monitor.errors import DaemonError
from monitor.judgement.capacity.outlook import ModelCapacity
from monitor.judgement.tiers.outlook import Advice, TierState
from monitor.status.daemon import AccountReply, Daemon, Reply, no_account

WIDTH_WITHOUT_TERMINAL = 120


class AccountAdvice(msgspec.Struct, frozen=True):
    """What is printed of one account as JSON."""

    account: str
    provider: str
    tier: TierState | None
    advice: Advice | None
    capacity: tuple[ModelCapacity, ...]


async def present(url: str, account: str | None, *, as_json: bool) -> None:
    """Print the advice of one account, or of all, as text or JSON.

    Raises:
        DaemonError: the daemon cannot be asked, or watches no account of this name.
    """
    async with Daemon(url) as daemon:
        reply = await daemon.ask()
    accounts = _named(reply, account)
    if as_json:
        told = [AccountAdvice(one.account, one.provider, one.tier, one.advice, one.capacity) for one in accounts]
        answer = {"at": reply.at, "age_seconds": reply.age_seconds, "accounts": told}
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_WITHOUT_TERMINAL)
    for one in accounts:
        console.print(view(one))


def _named(reply: Reply, name: str | None) -> list[AccountReply]:
    found = [account for account in reply.accounts if name in {None, account.account}]
    if name is not None and not found:
        raise DaemonError(no_account(reply, name))
    return found
