"""What a webhook tells, in every shape that was seen."""

import json

import pytest
from helpers_runware import RUNWARE, U, V, error, result

from monitor.observations import Reason, TaskSeen, TaskStatus, UnknownSeen

DONE = (U, TaskStatus.SUCCEEDED, Reason.NONE, 0.5)


def told(message: object) -> list[tuple[str, TaskStatus, Reason, float | None]]:
    seen = RUNWARE.decode_webhook("a", json.dumps(message).encode(), 1000.0)
    assert all(each.exact and each.by_client and each.at == 1000.0 for each in seen if isinstance(each, TaskSeen))
    return [(each.task, each.status, each.reason, each.credits) for each in seen if isinstance(each, TaskSeen)]


@pytest.mark.parametrize(
    ("message", "ends"),
    [
        (result(cost=0.5), [DONE]),
        ({"data": [result(cost=0.5)]}, [DONE]),
        ([{"data": [result(cost=0.25), result(cost=0.25)]}], [DONE]),
        ({"data": [result() | {"status": "success", "cost": 0.5}]}, [DONE]),
        ({"errors": [error("timeoutProvider")]}, [(U, TaskStatus.FAILED, Reason.TIMEOUT, None)]),
        (error("timeoutProvider", status="error"), [(U, TaskStatus.FAILED, Reason.TIMEOUT, None)]),
        (
            {"data": [result(cost=0.5)], "errors": [error("contentModeration", V)]},
            [DONE, (V, TaskStatus.FAILED, Reason.MODERATION, None)],
        ),
        ({"errors": [error("invalidApiKey", None, None)]}, []),
        ({"data": [{"taskType": "ping", "pong": True}]}, []),
        ("nonsense", []),
    ],
)
def test_each_task_ends_as_it_is_told(message: object, ends: object) -> None:
    assert told(message) == ends


def test_an_unknown_error_is_counted_and_ends_its_task() -> None:
    seen = RUNWARE.decode_webhook("a", json.dumps({"errors": [error("brandNew")]}).encode(), 1.0)
    assert [type(each) for each in seen] == [TaskSeen, UnknownSeen]


@pytest.mark.parametrize("body", [b"", b"\xff", b"{", b"[" * 100_000, b'{"data": 5}'])
def test_what_cannot_be_read_tells_nothing(body: bytes) -> None:
    assert RUNWARE.decode_webhook("a", body, 1.0) == []
