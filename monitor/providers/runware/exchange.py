"""From an exchange over HTTP to how it ended and what it tells of tasks."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

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
from monitor.providers.runware.errors import PAUSED
from monitor.providers.runware.messages import TaskAnswer, parse_answers
from monitor.providers.runware.paths import SERVERLESS
from monitor.providers.runware.streams import has_ended, of_stream, stream_outcome
from monitor.providers.runware.task_types import GET_RESPONSE
from monitor.providers.runware.tasks import (
    GATEWAY_TIMEOUT,
    ReplyContext,
    RequestedTask,
    TaskProgress,
    combined_outcome,
    create_result,
    poll_result,
    progress_of,
    request_kind,
    request_model,
    requested_tasks,
    status_outcome,
    taskless_outcome,
    unanswered_create,
    unknown_values,
)

MAX_EVENTS = 1000
CUT_OFF = frozenset({Failure.CLIENT_GONE, Failure.TIMEOUT, Failure.TRUNCATED})


def decode(exchange: Exchange) -> list[AnyObservation]:
    """One `RequestSeen`, then what the reply tells of tasks."""
    if exchange.route.item_fields:
        return _task_exchange(exchange)
    model = exchange.route.model or model_id(next(iter(exchange.request_fields.values()), None))
    kind = exchange.route.kind
    return [_request(exchange, kind, _plain_outcome(exchange), model if kind is Kind.CREATE else "")]


def _task_exchange(exchange: Exchange) -> list[AnyObservation]:
    requested = requested_tasks(exchange.request_items)
    message = _message(exchange)
    answers = _told(exchange, message)
    context = ReplyContext(
        account=exchange.account,
        requested_at=exchange.started_at,
        at=exchange.ended_at,
        status=exchange.status,
        by_client=exchange.by_client,
    )
    outcomes, facts = _verdicts(requested, answers, context)
    conflict = any(answer.error is errors.CONFLICT for answer in answers)
    kind, is_readable = request_kind(requested), isinstance(message, dict | list) or exchange.is_unread
    outcome = _outcome(exchange, kind, outcomes, answers, is_readable=is_readable)
    request = _request(exchange, kind, outcome, request_model(requested), retry=conflict or bool(exchange.repeated))
    return [request, *facts, *_unanswered(exchange, requested, answers), *unknown_values(answers, requested, context)]


def _message(exchange: Exchange) -> object:
    """The reply's JSON; of a stream, an array of its events."""
    if not exchange.is_stream:
        return json_value(exchange.body)
    events = [json_value(line) for line in exchange.body.split(b"\n")[:MAX_EVENTS]]
    return [event for event in events if event is not None] or None


def _told(exchange: Exchange, message: object) -> list[TaskAnswer]:
    """What the vendor answers; who sends the client elsewhere is not the vendor."""
    if exchange.status is not None and exchange.status not in SUCCESSES and exchange.status < FIRST_ERROR_STATUS:
        return []
    return of_stream(parse_answers(message)) if exchange.is_stream else parse_answers(message)


def _verdicts(
    requested: list[RequestedTask], answers: list[TaskAnswer], context: ReplyContext
) -> tuple[list[Outcome], list[AnyObservation]]:
    """How the request ended for each task that was answered, and what that tells.

    An error without a task stands for every task that has no answer of its own.
    """
    by_task: defaultdict[str, list[TaskAnswer]] = defaultdict(list)
    for answer in answers:
        by_task[answer.task].append(answer)
    general = next((answer.error for answer in by_task.pop("", []) if answer.error is not None), None)
    progress = {task: progress_of(group) for task, group in by_task.items()}
    outcomes: list[Outcome] = []
    facts: list[AnyObservation] = []
    for each in requested:
        group = progress.get(each.task) if each.task else None
        if group is None and general is not None:
            outcomes.append(taskless_outcome(general, context.status))
        elif group is not None or (each.kind is Kind.POLL and context.status in SUCCESSES):
            outcome, more = _of_one(each, group or TaskProgress(), context)
            outcomes.append(outcome)
            facts += more
    return outcomes, facts


def _unanswered(exchange: Exchange, requested: list[RequestedTask], answers: list[TaskAnswer]) -> Iterator[TaskSeen]:
    """The tasks of which nothing was told although the vendor may have taken them.

    Somebody lost patience, the answer broke off, or a gateway on the way answered for the vendor.
    """
    status, named = exchange.status, {answer.task for answer in answers}
    is_error = status is not None and status >= FIRST_ERROR_STATUS
    is_cut_off = exchange.failure in CUT_OFF or (status in SUCCESSES and json_value(exchange.body) is None)
    if "" not in named and (status == GATEWAY_TIMEOUT if is_error else is_cut_off):
        for each in requested:
            if each.kind is Kind.CREATE and each.task and each.task not in named:
                yield unanswered_create(each, exchange.account, exchange.started_at)


def _of_one(
    requested: RequestedTask, progress: TaskProgress, context: ReplyContext
) -> tuple[Outcome, list[AnyObservation]]:
    if requested.kind is Kind.CREATE:
        return create_result(requested, progress, context, is_complete=True)
    if requested.type == GET_RESPONSE and requested.task:
        return poll_result(requested, progress, context)
    if progress.failed and not progress.done:
        return taskless_outcome(progress.error, context.status), []
    return Outcome.SUCCESS, []


def _outcome(
    exchange: Exchange, kind: Kind, outcomes: list[Outcome], answers: list[TaskAnswer], *, is_readable: bool
) -> Outcome:
    """How the request ended: by what its tasks were told, then by the status, then by the way the answer ended.

    A gateway's 504 without a word of a task says nothing of it. A stream is whole once it has told why it finished,
    however it is left then.
    """
    status = exchange.status
    if status is not None and status >= FIRST_ERROR_STATUS:
        return combined_outcome(outcomes) if outcomes else _general(answers, status)
    if is_redirected(exchange, kind):
        return Outcome.REDIRECTED
    ends = exchange.is_stream and has_ended(answers)
    if exchange.failure is not None and not ends:
        return FAILURE_OUTCOMES[exchange.failure]
    if status is None:
        return Outcome.UNREACHABLE
    is_broken = status in SUCCESSES and not is_readable
    if is_broken or is_interim(status) or (exchange.is_stream and not ends and not exchange.is_unread):
        return Outcome.TRUNCATED
    return combined_outcome(outcomes) if outcomes else _general(answers, None)


def _general(answers: list[TaskAnswer], status: int | None) -> Outcome:
    """How a request ended of whose tasks nothing is known, by an error that the answer holds, else by the status."""
    error = next((answer.error for answer in answers if answer.error is not None), None)
    if error is not None:
        return taskless_outcome(error, status)
    return Outcome.SUCCESS if status is None else status_outcome(status)


def _plain_outcome(exchange: Exchange) -> Outcome:
    """How an exchange ended that carries no tasks: another vendor's format, or an application of one's own.

    A stream in another vendor's format tells its end, and is whole from there on.
    """
    status = exchange.status
    if status is not None and status >= FIRST_ERROR_STATUS:
        problem = nested(json_value(exchange.body), "type")
        paused = isinstance(problem, str) and problem.endswith(PAUSED)
        return Outcome.INSUFFICIENT_CREDITS if paused else status_outcome(status)
    if is_redirected(exchange, exchange.route.kind):
        return Outcome.REDIRECTED
    has_end = exchange.is_stream and bool(exchange.route.model_fields) and not exchange.is_unread
    if has_end and (ended := stream_outcome(exchange.body)) is not None:
        return ended
    if exchange.failure is not None:
        return FAILURE_OUTCOMES[exchange.failure]
    if status is None:
        return Outcome.UNREACHABLE
    is_foreign = is_html_page(exchange) and exchange.route.model != SERVERLESS
    return Outcome.TRUNCATED if has_end or is_foreign or is_interim(status) else Outcome.SUCCESS


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
