"""HTTP exchanges with Runware: how a request ended, and what its reply says about tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from http import HTTPStatus

from monitor.observations import AnyObservation, Kind, Outcome, RequestSeen, TaskSeen
from monitor.providers.http import (
    FAILURE_OUTCOMES,
    FIRST_ERROR_STATUS,
    SUCCESSES,
    Exchange,
    Failure,
    code_label,
    is_html_page,
    is_interim,
    is_marked_retry,
    is_redirected,
)
from monitor.providers.lenient import json_value, model_id, nested
from monitor.providers.runware import errors
from monitor.providers.runware.errors import PAUSED, status_outcome, taskless_outcome
from monitor.providers.runware.messages import TaskAnswer, parse_answers
from monitor.providers.runware.paths import SERVERLESS
from monitor.providers.runware.requested import RequestedTask, request_kind, request_model, requested_tasks
from monitor.providers.runware.streams import MAX_EVENTS, answers_in_stream, has_ended, stream_outcome
from monitor.providers.runware.task_types import GET_RESPONSE
from monitor.providers.runware.tasks import (
    ReplyContext,
    TaskProgress,
    TaskResult,
    combined_outcome,
    create_result,
    poll_result,
    progress_of,
    unanswered_create,
    unknown_values,
)

BROKEN_OFF = frozenset({Failure.CLIENT_GONE, Failure.TIMEOUT, Failure.TRUNCATED})


def decode(exchange: Exchange) -> list[AnyObservation]:
    """One `RequestSeen`, then what the reply says about tasks. Never raises."""
    if exchange.route.item_fields:
        return _decode_tasks(exchange)
    model = exchange.route.model or model_id(next(iter(exchange.request_fields.values()), None))
    kind = exchange.route.kind
    return [_request(exchange, kind, _untracked_outcome(exchange), model if kind is Kind.CREATE else "")]


def _decode_tasks(exchange: Exchange) -> list[AnyObservation]:
    """Read an exchange whose request is an array of tasks."""
    requested = requested_tasks(exchange.request_items)
    message = _message(exchange)
    answers = _answers(exchange, message)
    context = ReplyContext(
        account=exchange.account,
        requested_at=exchange.started_at,
        at=exchange.ended_at,
        status=exchange.status,
        by_client=exchange.by_client,
    )
    outcomes, facts = _task_results(requested, answers, context)
    is_repeated = bool(exchange.repeated) or any(answer.error is errors.CONFLICT for answer in answers)
    is_readable = exchange.is_unread or isinstance(message, dict | list)
    kind = request_kind(requested)
    outcome = _outcome(exchange, kind, outcomes, answers, is_readable=is_readable)
    request = _request(exchange, kind, outcome, request_model(requested), retry=is_repeated)
    return [request, *facts, *_unanswered(exchange, requested, answers), *unknown_values(answers, requested, context)]


def _message(exchange: Exchange) -> object:
    """The reply's JSON. A stream becomes an array of its events, None if it has no readable event."""
    if not exchange.is_stream:
        return json_value(exchange.body)
    events = [json_value(line) for line in exchange.body.split(b"\n")[:MAX_EVENTS]]
    return [event for event in events if event is not None] or None


def _answers(exchange: Exchange, message: object) -> list[TaskAnswer]:
    """Runware's answers. A redirect is not from Runware, so its body has none."""
    if exchange.status is not None and exchange.status not in SUCCESSES and exchange.status < FIRST_ERROR_STATUS:
        return []
    answers = parse_answers(message)
    return answers_in_stream(answers) if exchange.is_stream else answers


def _task_results(
    requested: list[RequestedTask], answers: list[TaskAnswer], context: ReplyContext
) -> tuple[list[Outcome], list[AnyObservation]]:
    """The outcomes and observations of all tasks with an answer.

    An error without a task answers every task that has no answer of its own.
    """
    by_task: defaultdict[str, list[TaskAnswer]] = defaultdict(list)
    for answer in answers:
        by_task[answer.task].append(answer)
    general = next((answer.error for answer in by_task.pop("", []) if answer.error is not None), None)
    progress = {task: progress_of(group) for task, group in by_task.items()}
    outcomes: list[Outcome] = []
    facts: list[AnyObservation] = []
    for each in requested:
        own = progress.get(each.task) if each.task else None
        if own is None and general is not None:
            outcomes.append(taskless_outcome(general, context.status))
        elif own is not None or (each.kind is Kind.POLL and context.status in SUCCESSES):
            outcome, more = _task_result(each, own or TaskProgress(), context)
            outcomes.append(outcome)
            facts += more
    return outcomes, facts


def _task_result(requested: RequestedTask, progress: TaskProgress, context: ReplyContext) -> TaskResult:
    if requested.kind is Kind.CREATE:
        return create_result(requested, progress, context, is_complete=True)
    if requested.type == GET_RESPONSE and requested.task:
        return poll_result(requested, progress, context)
    if progress.failed and not progress.done:
        return taskless_outcome(progress.error, context.status), []
    return Outcome.SUCCESS, []


def _unanswered(exchange: Exchange, requested: list[RequestedTask], answers: list[TaskAnswer]) -> Iterator[TaskSeen]:
    """Tasks without an answer that Runware may have accepted.

    This happens if the client gave up, if the reply broke off, or if a gateway on the way answered with a 504.
    """
    status, answered = exchange.status, {answer.task for answer in answers}
    if status is not None and status >= FIRST_ERROR_STATUS:
        is_possible = status == HTTPStatus.GATEWAY_TIMEOUT
    else:
        is_possible = exchange.failure in BROKEN_OFF or (status in SUCCESSES and json_value(exchange.body) is None)
    if is_possible and "" not in answered:
        for each in requested:
            if each.kind is Kind.CREATE and each.task and each.task not in answered:
                yield unanswered_create(each, exchange.account, exchange.started_at)


def _outcome(
    exchange: Exchange, kind: Kind, outcomes: list[Outcome], answers: list[TaskAnswer], *, is_readable: bool
) -> Outcome:
    """The request's outcome: from its tasks, else from the status, else from the way the reply ended.

    A stream is complete once it has reported its end, even if the client leaves before the connection closes.
    """
    status = exchange.status
    if status is not None and status >= FIRST_ERROR_STATUS:
        return combined_outcome(outcomes) if outcomes else _general_outcome(answers, status)
    if is_redirected(exchange, kind):
        return Outcome.REDIRECTED
    is_complete = exchange.is_stream and has_ended(answers)
    if exchange.failure is not None and not is_complete:
        return FAILURE_OUTCOMES[exchange.failure]
    if status is None:
        return Outcome.UNREACHABLE
    is_broken = status in SUCCESSES and not is_readable
    if is_broken or is_interim(status) or (exchange.is_stream and not is_complete and not exchange.is_unread):
        return Outcome.TRUNCATED
    return combined_outcome(outcomes) if outcomes else _general_outcome(answers, None)


def _general_outcome(answers: list[TaskAnswer], status: int | None) -> Outcome:
    """The outcome of a request with no answered task: from any error in the reply, else from an error status."""
    error = next((answer.error for answer in answers if answer.error is not None), None)
    if error is not None:
        return taskless_outcome(error, status)
    return Outcome.SUCCESS if status is None else status_outcome(status)


def _untracked_outcome(exchange: Exchange) -> Outcome:
    """The outcome of an exchange without tasks: another provider's format, or a serverless application.

    A stream in another provider's format reports its own end, and is complete from there on.
    """
    status = exchange.status
    if status is not None and status >= FIRST_ERROR_STATUS:
        problem = nested(json_value(exchange.body), "type")
        is_paused = isinstance(problem, str) and problem.endswith(PAUSED)
        return Outcome.INSUFFICIENT_CREDITS if is_paused else status_outcome(status)
    if is_redirected(exchange, exchange.route.kind):
        return Outcome.REDIRECTED
    reports_end = exchange.is_stream and bool(exchange.route.model_fields) and not exchange.is_unread
    if reports_end and (ended := stream_outcome(exchange.body)) is not None:
        return ended
    if exchange.failure is not None:
        return FAILURE_OUTCOMES[exchange.failure]
    if status is None:
        return Outcome.UNREACHABLE
    is_foreign = is_html_page(exchange) and exchange.route.model != SERVERLESS
    return Outcome.TRUNCATED if reports_end or is_foreign or is_interim(status) else Outcome.SUCCESS


def _request(exchange: Exchange, kind: Kind, outcome: Outcome, model: str, *, retry: bool = False) -> RequestSeen:
    return RequestSeen(
        account=exchange.account,
        at=exchange.ended_at,
        endpoint=exchange.route.endpoint,
        kind=kind,
        outcome=outcome,
        duration_seconds=exchange.duration_seconds,
        model=model,
        code=code_label(exchange.status),
        retry=retry or is_marked_retry(exchange),
    )
