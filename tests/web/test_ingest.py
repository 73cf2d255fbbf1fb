import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from io import BytesIO
from itertools import product
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient
from aiohttp.typedefs import Handler
from listeners import Daemon
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from monitor.config import Account
from monitor.engine.apply import Catalogue
from monitor.engine.engine import Engine, Sink
from monitor.errors import StoreError
from monitor.ingest.observations import LARGEST_BODY_BYTES, Ingest
from monitor.judgement.evaluate import Memory, evaluate
from monitor.judgement.snapshot import AccountSnapshot
from monitor.metrics import SelfMetrics
from monitor.observations import AnyObservation, Kind, TaskStatus
from monitor.providers import PROVIDERS
from monitor.store import Database
from monitor.tasks.counters import CounterSpec
from monitor.tasks.series import MOST_REQUEST_SERIES, is_overflow

RUNWAY = PROVIDERS["runway"]
ACCOUNT = Account(
    name="production", provider="runway", api_key=SecretStr("key_of_a_test"), base_url="https://api.example"
)
Line = dict[str, object]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database.open(f"sqlite:///{tmp_path / 'monitor.db'}")


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
async def engine(daemon: Daemon, database: Database, registry: CollectorRegistry) -> AsyncIterator[Engine]:
    """The real engine on a real database."""
    catalogue = Catalogue(RUNWAY.models, maximum=100)
    engine = Engine(database, {"production": catalogue}.get, SelfMetrics(registry), daemon.clock)
    running = asyncio.create_task(engine.run())
    yield engine
    await engine.stop()
    await running
    database.close()


def ingest(daemon: Daemon, sink: Sink) -> Handler:
    return Ingest(lambda: {"production": ACCOUNT}, PROVIDERS, sink, daemon.clock).handle


@pytest.fixture
async def sender(daemon: Daemon, engine: Engine, connect: Callable[[Daemon], Awaitable[TestClient]]) -> TestClient:
    """A client of a listener whose ingest writes to the database."""
    daemon.ingest = ingest(daemon, engine)
    return await connect(daemon)


def request(**changes: object) -> Line:
    line: Line = {
        "type": "request",
        "account": "production",
        "at": 1_795_357_000.0,
        "endpoint": "/v1/text_to_video",
        "kind": "create",
        "model": "gen4.5",
        "code": "200",
        "outcome": "success",
        "duration_seconds": 0.4,
    }
    return line | changes


def task(**changes: object) -> Line:
    line: Line = {
        "type": "task",
        "account": "production",
        "at": 1_795_357_000.0,
        "task": "17f20503-6c24-4c16-946b-35dbbce2af2f",
        "status": "pending",
        "accepted": True,
        "endpoint": "/v1/text_to_video",
        "model": "gen4.5",
    }
    return line | changes


async def send(client: TestClient, *lines: Line | str | bytes) -> tuple[int, Line]:
    raw = [line if isinstance(line, bytes) else line.encode() for line in map(dumped, lines)]
    answer = await client.post("/api/v1/observations", data=b"\n".join(raw))
    return answer.status, json.loads(await answer.read())


def dumped(line: Line | str | bytes) -> str | bytes:
    return json.dumps(line) if isinstance(line, dict) else line


def evaluated(daemon: Daemon, database: Database) -> AccountSnapshot:
    return evaluate(database, [ACCOUNT], Memory(), daemon.clock.now()).accounts[0]


def counts(daemon: Daemon, database: Database, counter: CounterSpec) -> dict[tuple[str, ...], float]:
    series = evaluated(daemon, database).series
    return {one.labels: one.value for one in series if one.counter is counter}


async def test_what_is_acknowledged_is_committed(sender: TestClient, daemon: Daemon, database: Database) -> None:
    status, body = await send(sender, request(), request(), task())
    assert (status, body) == (200, {"accepted": 3, "rejected": [], "rejected_total": 0})
    labels = ("/v1/text_to_video", "create", "gen4.5", "200", "success")
    assert counts(daemon, database, CounterSpec.REQUESTS) == {labels: 2}
    assert evaluated(daemon, database).tasks[0].open[TaskStatus.PENDING] == 1


async def test_a_bad_line_is_named_and_stops_no_other(sender: TestClient, daemon: Daemon, database: Database) -> None:
    status, body = await send(sender, request(), "not json", "", request(), b'{"type": "\xff"}', "[" * 100_000)
    assert (status, body["accepted"], body["rejected_total"]) == (200, 2, 3)
    assert [line["line"] for line in body["rejected"]] == [2, 5, 6]
    assert sum(counts(daemon, database, CounterSpec.REQUESTS).values()) == 2


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"type": "nothing"}, "Invalid value 'nothing' - at `$.type`"),
        (request(account="nobody"), "no account is named 'nobody'"),
        (request(kind="create!"), "Invalid enum value 'create!' - at `$.kind`"),
        (request(at=1_795_357_000_000), "`at` must be Unix seconds and not in the future"),
        (request(at=-1), "`at` must be Unix seconds and not in the future"),
        (request(code="OK"), "`code` must be an HTTP status or `none`"),
        (request(duration_seconds=-1), "`duration_seconds` must not be negative"),
        (request(id="x" * 201), "`id` is longer than 200 characters"),
        (request(id="a\x00b"), "`id` must be printable text"),
        (task(task="../other"), "`task` does not look like a task's id"),
        (task(credits=-5), "credits must not be negative"),
        ({"type": "unknown", "account": "production", "at": 1, "field": "Free text!"}, "`field` must be a short name"),
        (
            {
                "type": "read",
                "account": "production",
                "at": 1,
                "read": "x",
                "outcome": "success",
                "duration_seconds": 1,
            },
            "account reads are the daemon's own",
        ),
    ],
)
async def test_a_line_out_of_bounds_is_told_why(sender: TestClient, line: Line, said: str) -> None:
    status, body = await send(sender, line)
    assert (status, body) == (200, {"accepted": 0, "rejected": [{"line": 1, "error": said}], "rejected_total": 1})


async def test_no_free_text_becomes_a_label(sender: TestClient, daemon: Daemon, database: Database) -> None:
    await send(
        sender,
        request(endpoint="/v1/tasks/17f20503-6c24-4c16-946b-35dbbce2af2f", kind="poll", model=""),
        request(endpoint="/what/ever?x=1"),
        request(model="a prompt: two dogs"),
    )
    assert set(counts(daemon, database, CounterSpec.REQUESTS)) == {
        ("/v1/tasks/{id}", "poll", "", "200", "success"),
        ("other", "create", "gen4.5", "200", "success"),
        ("/v1/text_to_video", "create", "unknown", "200", "success"),
    }


async def test_a_repeated_id_counts_once(sender: TestClient, daemon: Daemon, database: Database) -> None:
    for _ in range(2):
        assert (await send(sender, request(id="web-1/1"), request(id="web-1/2")))[0] == 200
    assert sum(counts(daemon, database, CounterSpec.REQUESTS).values()) == 2


async def test_many_lines_are_all_counted(sender: TestClient, daemon: Daemon, database: Database) -> None:
    status, body = await send(sender, *[request()] * 4_321, "bad")
    assert (status, body["accepted"], body["rejected"][0]["line"]) == (200, 4_321, 4_322)
    assert sum(counts(daemon, database, CounterSpec.REQUESTS).values()) == 4_321


async def test_only_the_first_thousand_bad_lines_are_listed(sender: TestClient) -> None:
    status, body = await send(sender, *["bad"] * 1_500)
    assert (status, len(body["rejected"]), body["rejected_total"]) == (200, 1_000, 1_500)


async def test_a_compressed_body_is_understood(sender: TestClient) -> None:
    data = gzip.compress(json.dumps(request()).encode())
    answer = await sender.post("/api/v1/observations", data=data, headers={"Content-Encoding": "gzip"})
    assert (answer.status, (await answer.json())["accepted"]) == (200, 1)


@pytest.mark.parametrize("compressed", [False, True])
async def test_a_body_over_eight_mebibytes_is_refused(sender: TestClient, compressed: bool) -> None:
    data = b" " * (LARGEST_BODY_BYTES + 1)
    body, headers = (gzip.compress(data), {"Content-Encoding": "gzip"}) if compressed else (data, {})
    answer = await sender.post("/api/v1/observations", data=BytesIO(body), headers=headers)
    assert answer.status == 413


async def test_an_empty_body_is_accepted(sender: TestClient) -> None:
    assert await send(sender) == (200, {"accepted": 0, "rejected": [], "rejected_total": 0})


async def test_fields_that_the_provider_does_not_have_are_one_series(
    sender: TestClient, daemon: Daemon, database: Database
) -> None:
    made_up = ["field_" + "".join(letters) for letters in product("abcdefghij", repeat=3)]
    lines: list[Line] = [
        {"type": "unknown", "account": "production", "at": 1, "field": field}
        for field in [*made_up, "usage", "failure_code", "details"]
    ]
    status, body = await send(sender, *lines)
    assert (status, body["accepted"]) == (200, 1003)
    assert counts(daemon, database, CounterSpec.UNKNOWN_VALUES) == {
        ("other",): 1001,
        ("usage",): 1,
        ("failure_code",): 1,
    }


async def test_a_sender_cannot_make_series_of_requests_without_end(
    sender: TestClient, daemon: Daemon, database: Database, registry: CollectorRegistry
) -> None:
    """Kinds times codes, twice: what has a series keeps it, what has none is counted and only loses its labels."""
    lines = [request(kind=kind, code=str(code)) for kind in Kind for code in range(100, 600)]
    for _ in range(2):
        status, body = await send(sender, *lines)
        assert (status, body["accepted"]) == (200, len(lines))
    seen = counts(daemon, database, CounterSpec.REQUESTS)
    apart = {labels: count for labels, count in seen.items() if not is_overflow(labels)}
    assert len(apart) == MOST_REQUEST_SERIES
    assert set(apart.values()) == {2}
    assert len(seen) - len(apart) <= len(Kind)
    assert sum(seen.values()) == 2 * len(lines)
    capped = registry.get_sample_value("genmedia_monitor_models_capped_total", {"account": "production"})
    assert capped == 2 * (len(lines) - MOST_REQUEST_SERIES)


class FullDisk:
    """A sink that takes one group and then fails."""

    def __init__(self) -> None:
        self.taken = 0

    def put(self, observations: Sequence[AnyObservation], source: str) -> None:
        raise AssertionError("ingest waits for the commit")

    async def submit(self, observations: Sequence[AnyObservation], source: str) -> None:
        if self.taken:
            raise StoreError("the disk is full")
        self.taken += len(observations)


async def test_the_sender_is_told_when_the_store_cannot(
    daemon: Daemon, connect: Callable[[Daemon], Awaitable[TestClient]]
) -> None:
    disk = FullDisk()
    daemon.ingest = ingest(daemon, disk)
    status, body = await send(await connect(daemon), "bad", *[request()] * 3_000)
    assert (status, body["accepted"], body["rejected_total"]) == (503, disk.taken, 1)
    assert str(body["error"]).startswith("the disk is full; send the request again")
