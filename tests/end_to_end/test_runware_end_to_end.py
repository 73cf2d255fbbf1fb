"""Clients of Runware see through the gateway what they see without it; every figure equals the simulator's own count.

All of them play at once, each before a simulated Runware and, through the gateway, before another. `SEEN` is the whole
matrix: what each client is put through, and what its application sees of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest
import pytest_asyncio
from end_to_end import runware_recount as recount
from end_to_end.runware_clients import Performance, balances_of, installed, perform
from end_to_end.runware_scene import CELLS, Diary

REFUSED = ["contentPolicyViolation", "invalidModel"]
HTTP = "HTTP has no session: it asks for its task again, see `time out` and `reconnect`"

SEEN: dict[str, Diary] = {
    "sdk-websocket": {  # runware-sdk 1.8.0; synchronous work it gives up, and is told of it on the next socket
        "complete": "2 for $0.0012",
        "fail": ["safety", "unknown", "validation"],
        "mix": ["provider", "provider"],
        "time out": "timeout",
        "reconnect": "1 for $0.2800",
        "resume": ["connection", "1"],
        "overload": ["rateLimit", "1"],
    },
    "sdk-rest": {  # its retries get `conflictTaskUUID`, which it takes for a mistake of the application's
        "complete": "2 for $0.0012",
        "fail": ["safety", "validation", "validation"],
        "mix": ["provider", "provider"],
        "time out": "validation",
        "reconnect": "1 for $0.0006",
        "overload": "1",
        "account": "getDetails",
        "stream": [0.01, "stop", "content_filter"],
    },
    "sdk-apps": {  # the same for applications of one's own (serverless), which make no tasks
        "complete": ["completed", "completed", "completed"],
        "fail": ["failed: out of memory", "notFound"],
        "time out": "timeout",
        "reconnect": "completed",
        "paused": "quota",
    },
    "legacy": {  # runware 0.5.24
        "complete": "2 for $0.0012",
        "fail": REFUSED,
        "mix": "providerError",
        "time out": "Timeout waiting for prompt enhance",
        "reconnect": "1 for $0.0400",
        "video": "1",
    },
    "node": {  # @runware/sdk-js 1.3.2
        "complete": "2 for $0.0012",
        "fail": REFUSED,
        "mix": "providerError",
        "time out": "Response could not be received from server for getting images",
        "reconnect": "1 for $0.2800",
        "again": "1",
        "large": [1_500_000, 1_500_000],
    },
    "socket": {  # a WebSocket, as @runware/sdk 1.6.8 uses it
        "complete": "2 for $0.0012",
        "fail": REFUSED,
        "mix": ["providerError", "1", "invalidModel"],
        "time out": ["timeout", "1"],
        "reconnect": "1 for $0.2800",
        "resume": "1 for $0.2800",
    },
    "plain": {
        "complete": "200 result result",
        "fail": ["400 contentPolicyViolation", "400 invalidModel", "404 taskNotFound"],
        "mix": [
            "200 result invalidModel",
            "200 result providerError",
            "200 acknowledged acknowledged",
            "200 success timeoutProvider",
        ],
        "time out": ["ReadTimeout", "ReadTimeout", "ReadTimeout", "200 success"],
        "reconnect": ["RemoteProtocolError", "400 conflictTaskUUID", "200 success", "RemoteProtocolError"],
        "verdicts": ["504 timeoutProvider", "504", "200 success"],
        "other formats": ["200", "200 whole"],
        "refused": ["200 insufficientCredits", "401 invalidApiKey"],
    },
}

CANNOT = {
    ("sdk-rest", "resume"): HTTP,
    ("sdk-apps", "resume"): HTTP,
    ("sdk-apps", "mix"): "a request invokes one endpoint once",
    ("plain", "resume"): HTTP,
    ("legacy", "resume"): "it forgets its session before it opens the next socket",
    ("node", "resume"): "it forgets its session when the socket closes",
}
"""What a client has no means to do."""

MISSING = {
    "legacy": "the older SDK is not installed (make test installs it)",
    "node": "Node.js or its packages are not installed (make test installs them where npm is)",
}

runs_once = pytest.mark.asyncio(loop_scope="module")
each_client = pytest.mark.parametrize("client", SEEN)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def performance(tmp_path_factory: pytest.TempPathFactory) -> Performance:
    return await perform(tmp_path_factory.mktemp("clients"), installed())


def present(client: str, performance: Performance) -> None:
    if client not in performance.through:
        pytest.skip(MISSING[client])


def test_every_client_is_put_through_everything_that_it_can_do() -> None:
    for client, diary in SEEN.items():
        left_out = {cell for name, cell in CANNOT if name == client}
        assert set(CELLS) - set(diary) == left_out


@each_client
def test_a_client_sees_through_the_gateway_what_it_sees_without(client: str, performance: Performance) -> None:
    present(client, performance)
    assert performance.straight[client] == SEEN[client]
    assert performance.through[client] == SEEN[client]


@each_client
def test_a_client_s_requests_are_those_that_the_simulator_has_counted(client: str, performance: Performance) -> None:
    present(client, performance)
    records = recount.records_of(client, performance.records, performance.tasks)
    figures = performance.figures
    by_request = figures.by("genmedia_requests_total", "endpoint", "kind", "code", "outcome", account=client)
    assert by_request == recount.requests(records)
    assert figures.total("genmedia_request_retries_total", account=client) == recount.retries(records)
    assert figures.total("genmedia_request_duration_seconds_count", account=client) == len(records)


@each_client
def test_a_client_s_tasks_are_those_of_the_simulator_by_their_ids(client: str, performance: Performance) -> None:
    present(client, performance)
    tasks, figures = of(client, performance.tasks), performance.figures
    assert figures.by("genmedia_tasks_created_total", "model", account=client) == recount.created(tasks)
    ended = figures.by("genmedia_tasks_finished_total", "model", "outcome", "reason", account=client)
    assert ended == recount.finished(tasks)
    costs = figures.by("genmedia_task_cost_dollars_total", "model", account=client)
    assert costs == pytest.approx(recount.costs(tasks))
    unknown = figures.by("genmedia_tasks_cost_unknown_total", "model", account=client)
    assert unknown == recount.unknown_costs(tasks)
    assert balances_of(figures)[client] == pytest.approx(performance.balances[client])


@each_client
def test_the_vendor_sees_the_same_of_a_client_with_and_without_the_gateway(
    client: str, performance: Performance
) -> None:
    present(client, performance)
    assert deeds(of(client, performance.tasks)) == deeds(of(client, performance.straight_tasks))


def test_applications_of_one_s_own_are_counted_under_few_labels(performance: Performance) -> None:
    """Four names of applications and endpoints, and of each call an id, were in their paths."""
    seen = performance.figures.by("genmedia_requests_total", "endpoint", "kind", "model", account="sdk-apps")
    assert set(seen) == {
        ("/v1/apps/{app}/invoke-async/{endpoint}", "create", "serverless"),
        ("/v1/apps/{app}/invoke-sync/{endpoint}", "create", "serverless"),
        ("/v1/apps/{app}/tasks/{id}", "poll", ""),
    }


def of(client: str, tasks: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [task for task in tasks if task["account"] == client]


def deeds(tasks: Iterable[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
    """What was asked of the vendor and what it did, but for ids and times, and how often it was asked again."""
    names = ("type", "model", "delivery", "results", "status")
    return Counter((*(task[name] for name in names), tuple(task["codes"])) for task in tasks)
