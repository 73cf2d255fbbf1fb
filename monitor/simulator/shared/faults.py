"""The faults that a user sets while the simulator runs, and the choice of the fault for a request."""

from __future__ import annotations

import asyncio
import random
from enum import StrEnum
from fnmatch import fnmatchcase
from http import HTTPStatus
from typing import Annotated

from msgspec import Meta, Struct

from monitor.simulator.shared.requests import Kind
from monitor.simulator.shared.settings import NotNegative, Share


class FaultKind(StrEnum):
    """What goes wrong.

    latency: the reply is delayed. status: that status instead of the answer. reset: the connection is reset, before or
    after the headers. half_body: the full length is declared, half of the body is sent. broken_json: the body does not
    parse. html: that status with an HTML page. redirect: a 302 to a login page. bomb: a compressed body that grows to
    64 MiB. odd_framing: both a length and chunks are declared. hang: no answer until the fault is cleared or the client
    leaves.
    """

    LATENCY = "latency"
    STATUS = "status"
    RESET = "reset"
    HALF_BODY = "half_body"
    BROKEN_JSON = "broken_json"
    HTML = "html"
    REDIRECT = "redirect"
    BOMB = "bomb"
    ODD_FRAMING = "odd_framing"
    HANG = "hang"


_PROCESSED = frozenset(FaultKind) - {FaultKind.STATUS, FaultKind.HTML, FaultKind.REDIRECT, FaultKind.RESET}


class Fault(Struct, forbid_unknown_fields=True, kw_only=True):
    """A fault, and the requests that it hits.

    `path` is a pattern (`*`, `?`) for the template or the path. `own` True hits only the monitor's own requests, False
    only the others. `account` is the name of the account. None in any of these fields hits all requests. `count` is how
    many requests the fault still hits, None without a limit. `processed` says whether the request takes effect although
    its answer is malformed; None takes the default of the fault. `seconds` and `jitter` (a share) are for latency,
    `headers` and `body` for status.
    """

    fault: FaultKind
    method: str | None = None
    path: str | None = None
    kind: Kind | None = None
    own: bool | None = None
    account: str | None = None
    probability: Share = 1.0
    count: Annotated[int, Meta(ge=1)] | None = None
    seconds: NotNegative = 1.0
    jitter: Share = 0.0
    status: Annotated[int, Meta(ge=400, le=599)] = 503
    headers: dict[str, str] = {}
    body: str | None = None
    after_headers: bool = False
    processed: bool | None = None
    id: str = ""

    @property
    def takes_effect(self) -> bool:
        """Whether the request is carried out although its answer is malformed."""
        suggested = self.fault in _PROCESSED or (self.fault is FaultKind.RESET and self.after_headers)
        return suggested if self.processed is None else self.processed

    def status_sent(self, usual: int) -> int | None:
        """Return the status of the malformed answer, where `usual` is that of a good one. None if no status is sent."""
        match self.fault:
            case FaultKind.STATUS | FaultKind.HTML:
                return self.status
            case FaultKind.REDIRECT:
                return HTTPStatus.FOUND
            case FaultKind.RESET if not self.after_headers:
                return None
        return usual

    def hits(self, method: str, template: str, path: str, kind: Kind, own: bool, account: str) -> bool:
        """Return whether the fault applies to a request, before `probability` is drawn."""
        return (
            self.count != 0
            and self.method in (None, method)
            and self.kind in (None, kind)
            and self.own in (None, own)
            and self.account in (None, account)
            and (self.path is None or fnmatchcase(template, self.path) or fnmatchcase(path, self.path))
        )


class Faults:
    """The faults that are set. They draw from their own seeded generator, so they do not change how tasks go."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._rng = random.Random(seed)
        self._set: dict[str, Fault] = {}
        self._added = 0
        self._cleared = asyncio.Event()

    @property
    def all(self) -> list[Fault]:
        return list(self._set.values())

    def add(self, fault: Fault) -> Fault:
        """Set a fault. It gets the next id."""
        self._added += 1
        fault.id = str(self._added)
        self._set[fault.id] = fault
        return fault

    def remove(self, fault_id: str) -> bool:
        """Clear one fault. Return whether it was set."""
        was_set = self._set.pop(fault_id, None) is not None
        self._wake()
        return was_set

    def clear(self) -> None:
        """Clear all faults. Requests that hang continue."""
        self._set.clear()
        self._wake()

    async def until_cleared(self, fault: Fault) -> None:
        """Wait until this fault is cleared."""
        while fault.id in self._set:
            await self._cleared.wait()

    def _wake(self) -> None:
        self._cleared.set()
        self._cleared = asyncio.Event()

    def draw(
        self, method: str, template: str, path: str, kind: Kind, own: bool, account: str
    ) -> tuple[float, Fault | None]:
        """Return the seconds of latency for a request, and the first other fault that hits it."""
        latency = 0.0
        for fault in self.all:
            if fault.hits(method, template, path, kind, own, account) and self._rng.random() < fault.probability:
                if fault.count is not None:
                    fault.count -= 1
                if fault.fault is not FaultKind.LATENCY:
                    return latency, fault
                latency += fault.seconds * (1 + fault.jitter * self._rng.uniform(-1, 1))
        return latency, None
