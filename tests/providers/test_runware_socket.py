import json
from typing import Any

import pytest
from helpers_runware import AIR, RUNWARE, VIDEO, U, V, ack, error, poll, request, result, story, task, unknown

from monitor.observations import AnyObservation, Kind, Outcome, RequestSeen, TaskSeen
from monitor.providers.base import MAX_UNANSWERED_TASKS, SocketReader, UnansweredTasks
from monitor.providers.http import Failure
from monitor.providers.runware.pending import MAX_PENDING_MESSAGES, MAX_WAIT_SECONDS
from monitor.providers.runware.socket import MAX_RESULT_GAP_SECONDS

AUTH = {"taskType": "authentication"}
PING = {"taskType": "ping"}


def opened(unanswered_tasks: UnansweredTasks | None = None) -> SocketReader:
    reader = RUNWARE.socket("a", unanswered_tasks or UnansweredTasks())
    assert reader is not None
    return reader


def sent(socket: SocketReader, *items: dict[str, str], at: float = 1000.0, again: tuple[str, ...] = ()) -> Any:
    return socket.sent(items, frozenset(again), at)


def told(socket: SocketReader, at: float = 1010.0, **message: object) -> list[AnyObservation]:
    return socket.received(json.dumps(message).encode(), at)


def requests(seen: list[AnyObservation]) -> list[tuple[Kind, Outcome]]:
    return [(each.kind, each.outcome) for each in seen if isinstance(each, RequestSeen)]


def test_a_synchronous_task_ends_its_request_with_the_last_of_its_results() -> None:
    socket = opened()
    assert sent(socket, task(numberResults="2")) == []
    assert socket.pending == 1
    first = told(socket, at=1004, data=[result(cost=0.1)])
    assert (requests(first), story(first)) == ([], [(U, "accepted", "")])
    last = told(socket, at=1006, data=[result(cost=0.2)])
    assert requests(last) == [(Kind.CREATE, Outcome.SUCCESS)]
    [ended] = [each for each in last if isinstance(each, TaskSeen) and not each.accepted]
    assert (ended.status.value, ended.at, ended.exact, ended.credits) == ("succeeded", 1006, True, pytest.approx(0.3))
    seen = request(last)
    assert (seen.endpoint, seen.code, seen.model, seen.duration_seconds) == ("/v1", "none", AIR, 6.0)
    assert socket.pending == 0


def test_results_packed_into_one_message_end_it_at_once() -> None:
    socket = opened()
    sent(socket, task(numberResults="2"))
    assert requests(told(socket, data=[result(), result()])) == [(Kind.CREATE, Outcome.SUCCESS)]


def test_an_asynchronous_task_is_acknowledged_then_polled_to_its_end() -> None:
    socket = opened()
    sent(socket, task(VIDEO, deliveryMethod="async", numberResults="4"))
    first = told(socket, data=[ack(kind=VIDEO)])
    assert (requests(first), story(first)) == ([(Kind.CREATE, Outcome.SUCCESS)], [(U, "accepted", "")])
    sent(socket, poll(), at=1012)
    running = told(socket, data=[ack(kind=VIDEO) | {"status": "processing", "progress": 4}], at=1013)
    assert (requests(running), story(running)) == ([(Kind.POLL, Outcome.SUCCESS)], [(U, "running", "")])
    sent(socket, poll(), at=1014)
    done = told(socket, data=[result(kind=VIDEO, status="success")], at=1015)
    assert (requests(done), story(done)) == ([(Kind.POLL, Outcome.SUCCESS)], [(U, "succeeded", "")])


@pytest.mark.parametrize("answer", [ack(), ack() | {"status": "processing"}])
def test_a_task_with_a_webhook_is_done_with_at_its_acknowledgement(answer: dict[str, Any]) -> None:
    socket = opened()
    sent(socket, task(webhookURL="true"))
    seen = told(socket, data=[answer])
    assert requests(seen) == [(Kind.CREATE, Outcome.SUCCESS)]
    assert next(each for each in seen if isinstance(each, TaskSeen)).has_webhook
    assert socket.pending == 0


def test_data_and_errors_of_one_message_reach_their_own_tasks() -> None:
    socket = opened()
    sent(socket, task(uuid=U), task(uuid=V))
    seen = told(socket, data=[result(U)], errors=[error("timeoutProvider", V)])
    assert requests(seen) == [(Kind.CREATE, Outcome.PARTIAL)]
    assert story(seen) == [(U, "accepted", ""), (U, "succeeded", ""), (V, "accepted", ""), (V, "failed", "timeout")]


def test_a_result_that_fails_before_others_succeed_does_not_fail_its_task() -> None:
    socket = opened()
    sent(socket, task(numberResults="3"))
    first = told(socket, at=1004, errors=[error("timeoutProvider")])
    assert (requests(first), story(first)) == ([], [(U, "accepted", "")])
    assert requests(told(socket, at=1005, data=[result()])) == []
    last = told(socket, at=1006, data=[result()])
    assert (requests(last), story(last)[-1]) == ([(Kind.CREATE, Outcome.PARTIAL)], (U, "succeeded", ""))
    assert socket.pending == 0


@pytest.mark.parametrize(("done", "outcome"), [(0, Outcome.TASK_FAILED), (1, Outcome.PARTIAL)])
def test_a_failure_that_nothing_follows_was_that_of_the_whole_task(done: int, outcome: Outcome) -> None:
    socket = opened()
    sent(socket, task(numberResults="4"))
    told(socket, at=1003, data=[result()] * done)
    told(socket, at=1004, errors=[error("timeoutProvider")])
    assert requests(sent(socket, PING, at=1003 + MAX_RESULT_GAP_SECONDS)) == []
    seen = sent(socket, PING, at=1004 + MAX_RESULT_GAP_SECONDS)
    assert (requests(seen), request(seen).at, request(seen).duration_seconds) == ([(Kind.CREATE, outcome)], 1004, 4)
    assert story(seen)[-1] == ((U, "succeeded", "") if done else (U, "failed", "timeout"))


def test_a_failure_is_that_of_the_whole_task_when_the_connection_ends() -> None:
    socket = opened()
    sent(socket, task(numberResults="4"))
    told(socket, at=1004, errors=[error("contentPolicyViolation")])
    seen = socket.ended(Failure.CLIENT_GONE, 1005)
    assert requests(seen) == [(Kind.CREATE, Outcome.TASK_FAILED)]
    assert story(seen)[-1] == (U, "failed", "moderation")


def test_a_refusal_is_that_of_the_whole_task_at_once() -> None:
    socket = opened()
    sent(socket, task(numberResults="4"))
    assert requests(told(socket, errors=[error("invalidModel")])) == [(Kind.CREATE, Outcome.INVALID_REQUEST)]


def test_an_asynchronous_task_that_fails_in_place_of_its_acknowledgement_fails_at_once() -> None:
    socket = opened()
    sent(socket, task(VIDEO, numberResults="4", deliveryMethod="async"))
    seen = told(socket, errors=[error("noAvailableServer", kind=VIDEO)])
    assert (requests(seen), story(seen)[-1]) == ([(Kind.CREATE, Outcome.TASK_FAILED)], (U, "failed", "capacity"))


def test_a_refusal_that_is_told_again_makes_no_task() -> None:
    socket = opened()
    sent(socket, task(numberResults="2"))
    told(socket, errors=[error("invalidModel")])
    assert told(socket, errors=[error("invalidModel")]) == []
    assert story(told(socket, errors=[error("invalidModel", status="error")])) == [(U, "failed", "invalid_input")]


def test_a_conflict_is_no_end_and_tells_a_retry_whose_first_sending_nobody_remembers() -> None:
    socket = opened()
    sent(socket, task())
    seen = told(socket, errors=[error("conflictTaskUUID")])
    assert (request(seen).retry, request(seen).outcome) == (True, Outcome.SUCCESS)
    assert story(told(socket, errors=[error("conflictTaskUUID")])) == [(U, "pending", "")]


def test_results_come_in_any_order() -> None:
    socket = opened()
    sent(socket, task(uuid=U), at=1000)
    sent(socket, task(uuid=V), at=1001)
    assert request(told(socket, data=[result(V)])).duration_seconds == 9
    assert request(told(socket, data=[result(U)])).duration_seconds == 10


def test_authentication_and_ping_are_other_requests() -> None:
    socket = opened()
    sent(socket, AUTH)
    assert requests(told(socket, data=[AUTH | {"connectionSessionUUID": V}])) == [(Kind.OTHER, Outcome.SUCCESS)]
    sent(socket, task())
    sent(socket, PING)
    assert requests(told(socket, data=[PING | {"pong": True}])) == [(Kind.OTHER, Outcome.SUCCESS)]
    assert socket.pending == 1


@pytest.mark.parametrize(
    "refusal",
    [
        {"errors": [error("invalidApiKey", None, "authentication")]},
        {"error": True, "errorMessageContentId": 1212, "errorId": 19, "errorMessage": "Invalid api key"},
    ],
)
def test_a_refused_key_is_unauthorized(refusal: dict[str, Any]) -> None:
    socket = opened()
    sent(socket, AUTH)
    assert requests(told(socket, **refusal)) == [(Kind.OTHER, Outcome.UNAUTHORIZED)]


def test_an_error_without_a_task_counts_once_for_the_message_it_fits() -> None:
    socket = opened()
    sent(socket, poll())
    sent(socket, task(VIDEO, V))
    seen = told(socket, errors=[error("internalServerError", None, VIDEO), error("internalServerError", None, VIDEO)])
    assert (requests(seen), story(seen)) == ([(Kind.CREATE, Outcome.SERVER_ERROR)], [])
    assert requests(told(socket, errors=[error("rateLimitExceeded", None, None)])) == [
        (Kind.POLL, Outcome.RATE_LIMITED)
    ]
    assert unknown(told(socket, errors=[error("internalServerError", None, None)])) == ["stray_error"]


def test_a_task_sent_again_is_a_retry_and_one_task() -> None:
    socket = opened()
    sent(socket, task(VIDEO, deliveryMethod="async"), again=(U,))
    seen = told(socket, errors=[error("conflictTaskUUID", kind=VIDEO)])
    assert (request(seen).retry, request(seen).outcome, story(seen)) == (True, Outcome.SUCCESS, [(U, "accepted", "")])


def test_a_conflict_answers_the_last_sending_and_results_the_first() -> None:
    socket = opened()
    sent(socket, task(numberResults="2"), at=1000)
    told(socket, at=1001, data=[result()])
    sent(socket, task(numberResults="2"), at=1002, again=(U,))
    seen = told(socket, at=1003, errors=[error("conflictTaskUUID")])
    assert (request(seen).retry, request(seen).outcome, request(seen).duration_seconds) == (True, Outcome.SUCCESS, 1)
    assert story(seen) == [(U, "accepted", "")]
    last = told(socket, at=1009, data=[result()])
    assert (requests(last), request(last).duration_seconds) == ([(Kind.CREATE, Outcome.SUCCESS)], 9)
    assert (story(last)[-1], socket.pending) == ((U, "succeeded", ""), 0)


def test_a_status_answers_a_poll_while_the_task_itself_still_awaits_its_result() -> None:
    socket = opened()
    sent(socket, task())
    for _ in range(2):
        sent(socket, poll())
        seen = told(socket, data=[ack() | {"status": "processing"}])
        assert (requests(seen), story(seen)) == ([(Kind.POLL, Outcome.SUCCESS)], [(U, "running", "")])
    assert requests(told(socket, data=[result()])) == [(Kind.CREATE, Outcome.SUCCESS)]
    assert socket.pending == 0


def test_a_poll_on_another_socket_shows_that_a_task_without_its_acknowledgement_was_taken() -> None:
    unanswered_tasks = UnansweredTasks()
    gone, resumed = opened(unanswered_tasks), opened(unanswered_tasks)
    sent(gone, task(VIDEO, deliveryMethod="async"), at=1000)
    gone.ended(Failure.TRUNCATED, 1005)
    polls = []
    for answer in ([], [ack(kind=VIDEO) | {"status": "processing"}], [result(kind=VIDEO, status="success")]):
        sent(resumed, poll())
        polls.append(told(resumed, data=answer))
    assert [story(each) for each in polls] == [
        [(U, "pending", "")],
        [(U, "accepted", ""), (U, "running", "")],
        [(U, "succeeded", "")],
    ]
    first = next(each for each in polls[1] if isinstance(each, TaskSeen))
    assert (first.model, first.at) == (AIR, 1000)


def test_a_poll_on_another_socket_of_a_task_that_was_never_taken_makes_none() -> None:
    unanswered_tasks = UnansweredTasks()
    gone, resumed = opened(unanswered_tasks), opened(unanswered_tasks)
    sent(gone, task(VIDEO, deliveryMethod="async"))
    gone.ended(Failure.TRUNCATED, 1005)
    sent(resumed, poll())
    assert story(told(resumed, errors=[error("taskNotFound", kind=VIDEO)])) == [(U, "missing", "")]


def test_an_error_that_names_its_task_only_ends_it_on_another_socket() -> None:
    unanswered_tasks = UnansweredTasks()
    gone, resumed = opened(unanswered_tasks), opened(unanswered_tasks)
    sent(gone, task())
    gone.ended(Failure.TRUNCATED, 1005)
    seen = told(resumed, errors=[error("timeoutProvider", kind=None)])
    assert story(seen) == [(U, "accepted", ""), (U, "failed", "timeout")]
    assert told(resumed, errors=[error("timeoutProvider", kind=None)]) == []


def test_results_that_are_replayed_after_a_resume_finish_their_tasks() -> None:
    socket = opened()
    sent(socket, AUTH)
    assert story(told(socket, data=[result()])) == [(U, "succeeded", "")]
    assert story(told(socket, data=[ack(V)])) == [(V, "pending", "")]
    assert story(told(socket, errors=[error("providerError", V)])) == [(V, "failed", "upstream")]


def test_results_that_are_replayed_on_another_socket_are_those_of_the_task_that_was_asked_for() -> None:
    unanswered_tasks = UnansweredTasks()
    gone, resumed = opened(unanswered_tasks), opened(unanswered_tasks)
    sent(gone, task(numberResults="2"), at=1000)
    told(gone, at=1004, data=[result(cost=0.1)])
    gone.ended(Failure.TRUNCATED, 1005)
    seen = told(resumed, at=1030, data=[result(cost=0.2)])
    assert (requests(seen), story(seen)) == ([], [(U, "accepted", ""), (U, "succeeded", "")])
    first, last = (each for each in seen if isinstance(each, TaskSeen))
    assert (first.model, first.at, last.credits) == (AIR, 1000, pytest.approx(0.3))


def test_what_was_told_on_the_socket_that_is_gone_is_not_awaited_on_another() -> None:
    unanswered_tasks = UnansweredTasks()
    gone = opened(unanswered_tasks)
    sent(gone, task(), task(uuid=V))
    told(gone, data=[result()])
    gone.ended(Failure.TRUNCATED, 1005)
    assert unanswered_tasks.pop(U) is None
    assert unanswered_tasks.pop(V) is not None
    assert unanswered_tasks.pop(V) is None


def test_no_more_than_a_thousand_tasks_are_left() -> None:
    unanswered_tasks = UnansweredTasks()
    for number in range(MAX_UNANSWERED_TASKS + 1):
        unanswered_tasks.add(str(number), number)
    assert (unanswered_tasks.pop("0"), unanswered_tasks.pop("1")) == (None, 1)


def test_messages_of_what_is_no_generation_make_no_task() -> None:
    socket = opened()
    sent(socket, {"taskType": "modelUpload", "taskUUID": U})
    item = {"taskType": "modelUpload", "taskUUID": U}
    assert requests(told(socket, data=[item | {"status": "validated"}])) == [(Kind.OTHER, Outcome.SUCCESS)]
    assert told(socket, data=[item | {"status": "ready", "air": "mine:1@1"}]) == []


def test_an_empty_answer_belongs_to_the_oldest_poll() -> None:
    socket = opened()
    sent(socket, task(VIDEO, V))
    sent(socket, poll())
    seen = told(socket, data=[])
    assert (requests(seen), story(seen)) == ([(Kind.POLL, Outcome.SUCCESS)], [(U, "pending", "")])
    assert [one.unanswered for one in seen if isinstance(one, TaskSeen)] == [True]
    assert told(socket, data=[]) == []


@pytest.mark.parametrize("failure", [Failure.CLIENT_GONE, Failure.TRUNCATED])
def test_what_is_under_way_when_the_connection_ends_ends_with_it(failure: Failure) -> None:
    socket = opened()
    sent(socket, task())
    sent(socket, poll(V))
    seen = socket.ended(failure, 1010.0)
    assert requests(seen) == [(Kind.CREATE, Outcome(failure.value)), (Kind.POLL, Outcome(failure.value))]
    assert (story(seen), socket.pending) == ([(U, "asked", "")], 0)


def test_a_message_that_nobody_answers_is_given_up_in_the_end() -> None:
    socket = opened()
    sent(socket, task(), at=1000)
    assert sent(socket, PING, at=1000 + MAX_WAIT_SECONDS) == []
    assert requests(sent(socket, PING, at=1001 + MAX_WAIT_SECONDS)) == [(Kind.CREATE, Outcome.TIMEOUT)]


def test_no_more_than_a_thousand_messages_are_remembered() -> None:
    socket = opened()
    seen = [told for number in range(MAX_PENDING_MESSAGES + 5) for told in sent(socket, task(uuid=f"task-{number}"))]
    assert socket.pending == MAX_PENDING_MESSAGES
    assert requests(seen) == [(Kind.CREATE, Outcome.TIMEOUT)] * 5


def test_what_is_no_json_is_a_request_that_an_error_without_a_task_ends() -> None:
    socket = opened()
    sent(socket)
    assert requests(told(socket, errors=[error("invalidJSON", None, None)])) == [(Kind.OTHER, Outcome.INVALID_REQUEST)]
    assert socket.received(b"not json", 1010.0) == []
