"""`POST /api/v1/observations`: facts from other languages, replayed logs, remote gateways. See `docs/reference/api.md`.

A sender is trusted with facts, not with labels. Endpoints become the provider's templates. A model that does not look
like an id becomes `unknown`, and a field that the provider does not have becomes `other`. Other values out of bounds
reject their line. Each line stands for itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO

import msgspec
from aiohttp import web
from msgspec.structs import replace

from monitor.config import Account
from monitor.engine.engine import Sink
from monitor.errors import StoreError
from monitor.http.bodies import Bodies, BodyTooLargeError, BrokenBodyError, NoRoomError, SlowBodyError
from monitor.http.inflate import BrokenCodingError, UndecodedError
from monitor.http.turns import Turns
from monitor.observations import AnyObservation, ReadFinished, RequestSeen, TaskSeen, UnknownSeen
from monitor.providers.base import Provider
from monitor.providers.lenient import LARGEST_NUMBER, is_task_id, model_id
from monitor.runtime.clock import Clock
from monitor.runtime.logs import redact
from monitor.tasks.series import known_field

LARGEST_BODY_BYTES = 8 * 2**20
GROUP = 2_000
MOST_REJECTED_SHOWN = 1_000
LONGEST_ERROR = 500
LONGEST_ID = 200
LONGEST_ENDPOINT = 2_000
LATEST_AHEAD_SECONDS = 3600.0
CODE = re.compile(r"none|[1-5][0-9]{2}")
FIELD = re.compile(r"[a-z][a-z_]{0,31}")
DECODER = msgspec.json.Decoder(AnyObservation)


class Rejected(msgspec.Struct, frozen=True):
    """A line that was rejected. `line` counts from 1."""

    line: int
    error: str


class Answer(msgspec.Struct):
    """The answer to a sender. `rejected` holds the first thousand of `rejected_total`. `error` is set on a 503."""

    accepted: int = 0
    rejected: list[Rejected] = msgspec.field(default_factory=list)
    rejected_total: int = 0
    error: str | msgspec.UnsetType = msgspec.UNSET

    def reject(self, line: int, fault: Exception) -> None:
        """Note a bad line."""
        self.rejected_total += 1
        if len(self.rejected) < MOST_REJECTED_SHOWN:
            self.rejected.append(Rejected(line, _shown(fault)))


class Ingest:
    """Takes the lines of a request. `accounts` gives the configured accounts by name."""

    def __init__(
        self,
        accounts: Callable[[], Mapping[str, Account]],
        providers: Mapping[str, Provider],
        sink: Sink,
        clock: Clock,
    ) -> None:
        self._accounts = accounts
        self._providers = providers
        self._sink = sink
        self._clock = clock
        self._bodies = Bodies(LARGEST_BODY_BYTES)
        self._turns = Turns()

    async def handle(self, request: web.Request) -> web.Response:
        """200 once all good lines are committed. 503 if the store cannot take them, though some may be committed."""
        answer = Answer()
        try:
            async with self._bodies.read(request) as body:
                await self._take(body, answer)
        except BodyTooLargeError:
            raise web.HTTPRequestEntityTooLarge(LARGEST_BODY_BYTES, LARGEST_BODY_BYTES + 1) from None
        except UndecodedError as fault:
            raise web.HTTPUnsupportedMediaType(text=f"Content-Encoding: {fault}; send gzip, or none") from None
        except BrokenCodingError as fault:
            raise web.HTTPBadRequest(text=f"Content-Encoding: {fault}") from None
        except BrokenBodyError:
            raise _goodbye() from None
        except SlowBodyError:
            raise web.HTTPRequestTimeout(text="the body did not come in time") from None
        except NoRoomError:
            answer.error = "too many large requests at once; send the request again later"
        except StoreError as fault:
            answer.error = f"{fault}; send the request again: lines with an `id` already stored are not counted twice"
        return web.Response(
            status=503 if answer.error else 200, body=msgspec.json.encode(answer), content_type="application/json"
        )

    async def _take(self, body: bytearray, answer: Answer) -> None:
        lines = enumerate(BytesIO(body), start=1)
        is_over = False
        while not is_over:
            good: list[AnyObservation] = []
            await self._turns.do(self._decoded(lines, good, answer))
            is_over = len(good) < GROUP
            await self._store(good, answer)

    async def _store(self, good: list[AnyObservation], answer: Answer) -> None:
        if good:
            await self._sink.submit(good, "ingest")
            answer.accepted += len(good)

    def _decoded(
        self, lines: Iterator[tuple[int, bytes]], good: list[AnyObservation], answer: Answer
    ) -> Iterator[None]:
        """Read lines until a group is complete or no line is left."""
        for number, line in lines:
            yield
            if not line.strip():
                continue
            try:
                good.append(self._checked(DECODER.decode(line)))
            except (ValueError, RecursionError) as fault:
                answer.reject(number, fault)
            if len(good) == GROUP:
                return

    def _checked(self, seen: AnyObservation) -> AnyObservation:
        """The observation with bounded labels. ValueError says why it is rejected."""
        account = self._accounts().get(seen.account)
        if account is None:
            raise ValueError(f"no account is named {seen.account!r}")
        if not 0 <= seen.at <= self._clock.now() + LATEST_AHEAD_SECONDS:
            raise ValueError("`at` must be Unix seconds and not in the future")
        if len(seen.id) > LONGEST_ID:
            raise ValueError(f"`id` is longer than {LONGEST_ID} characters")
        if not seen.id.isprintable():
            raise ValueError("`id` must be printable text")
        return _bounded(seen, self._providers[account.provider])


def _goodbye() -> web.HTTPBadRequest:
    """The answer to a body that is not HTTP, after which the connection is closed."""
    answer = web.HTTPBadRequest(text="the body is malformed or broke off")
    answer.force_close()
    return answer


def _shown(fault: Exception) -> str:
    """The fault in words. It may quote a long line."""
    text = str(fault)
    # A secret must not be cut before it is recognised.
    return redact(text) if len(text) <= LONGEST_ERROR else redact(text[: 4 * LONGEST_ERROR])[:LONGEST_ERROR] + "..."


def _bounded(seen: AnyObservation, provider: Provider) -> AnyObservation:
    match seen:
        case ReadFinished():
            raise ValueError("account reads are the daemon's own")
        case UnknownSeen():
            _require(FIELD.fullmatch(seen.field), "`field` must be a short name")
            return replace(seen, field=known_field(seen.field, {read.name for read in provider.reads}))
        case RequestSeen():
            _require(CODE.fullmatch(seen.code), "`code` must be an HTTP status or `none`")
            _require(0 <= seen.duration_seconds <= LARGEST_NUMBER, "`duration_seconds` must not be negative")
            return replace(seen, endpoint=_template(seen.endpoint, provider), model=_model(seen.model))
    _require(is_task_id(seen.task), "`task` does not look like a task's id")
    if not isinstance(seen, TaskSeen):
        return seen
    for credits_ in (seen.credits, seen.estimated_credits):
        _require(credits_ is None or 0 <= credits_ <= LARGEST_NUMBER, "credits must not be negative")
    endpoint = _template(seen.endpoint, provider) if seen.endpoint else ""
    return replace(seen, endpoint=endpoint, model=_model(seen.model))


def _require(condition: object, fault: str) -> None:
    if not condition:
        raise ValueError(fault)


def _template(endpoint: str, provider: Provider) -> str:
    """The template of a path, or of a template, which stays as it is."""
    _require(len(endpoint) <= LONGEST_ENDPOINT, f"`endpoint` is longer than {LONGEST_ENDPOINT} characters")
    return provider.route("GET", endpoint).endpoint


def _model(model: str) -> str:
    return model_id(model) if model else ""
