"""From an account's snapshot to the samples of its credits."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.judgement.credits.outlook import AutobillingState
from monitor.judgement.limits import LimitKind
from monitor.judgement.snapshot import AccountSnapshot

Rows = Iterable[tuple[tuple[str, ...], float]]


def burn(account: AccountSnapshot, _: float) -> Rows:
    """Credits that left the balance, by window."""
    return (((window,), value) for window, value in (account.credits.burn if account.credits else {}).items())


def burn_watched(account: AccountSnapshot, _: float) -> Rows:
    """How much of each window the burn is of."""
    return (((window,), value) for window, value in (account.credits.burn_seconds if account.credits else {}).items())


def runway_burn(account: AccountSnapshot, _: float) -> Rows:
    """The burn that the runway is reckoned with, in US dollars an hour."""
    if account.credits is not None and account.credits.runway_credits_per_hour is not None:
        yield (), account.credits.runway_credits_per_hour * account.dollars_per_credit


def runway(account: AccountSnapshot, _: float) -> Rows:
    """How long the balance lasts."""
    if account.credits is not None and account.credits.runway_seconds is not None:
        yield (), account.credits.runway_seconds


def runway_thresholds(account: AccountSnapshot, _: float) -> Rows:
    """How long it must last, as configured."""
    yield ("soft",), account.runway_thresholds.soft
    yield ("hard",), account.runway_thresholds.hard


def coverage(account: AccountSnapshot, _: float) -> Rows:
    """How much of the 30 days is known."""
    if account.credits is not None and account.credits.coverage is not None:
        yield (), account.credits.coverage


def autobilling(account: AccountSnapshot, _: float) -> Rows:
    """Every state, where autobilling is configured."""
    if account.credits is not None and account.credits.autobilling is not None:
        for state in AutobillingState:
            yield (state.value,), float(state is account.credits.autobilling)


def exhaustion(account: AccountSnapshot) -> Rows:
    """When balance and spend cap are expected to be used up."""
    if account.credits is None:
        return
    if account.credits.balance_exhaustion_seconds is not None:
        yield ("", LimitKind.CREDIT_BALANCE.value), account.credits.balance_exhaustion_seconds
    if account.credits.spend_exhaustion_seconds is not None:
        yield ("", LimitKind.MONTHLY_SPEND_CREDITS.value), account.credits.spend_exhaustion_seconds
