"""Observations: the facts that every way in produces and the engine applies.

Times are Unix seconds. Every value is frozen. Fields that become labels are closed enums, so nothing that a provider or
an application sends becomes a label by itself. An observation travels as one JSON object: `msgspec` encodes it with its
`type` and skips fields that hold their default.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

import msgspec


class Kind(StrEnum):
    """What a request asks for."""

    CREATE = "create"
    POLL = "poll"
    ACCOUNT = "account"
    DELETE = "delete"
    OTHER = "other"


class Outcome(StrEnum):
    """How an exchange ended, as the application saw it."""

    SUCCESS = "success"
    PARTIAL = "partial"
    TASK_FAILED = "task_failed"
    BENIGN_NOT_FOUND = "benign_not_found"
    INVALID_REQUEST = "invalid_request"
    REDIRECTED = "redirected"
    INSUFFICIENT_CREDITS = "insufficient_credits"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    CLIENT_ERROR = "client_error"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    TRUNCATED = "truncated"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"
    CLIENT_GONE = "client_gone"


class TaskStatus(StrEnum):
    """The status of a task: asked for, three open statuses, four ends.

    ASKED is a task whose create was never answered. Until it is known that the provider accepted it, it counts for
    nothing.
    """

    ASKED = "asked"
    PENDING = "pending"
    THROTTLED = "throttled"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def is_open(self) -> bool:
        """Whether a task in this status can still change."""
        return self is TaskStatus.ASKED or self in OPEN_STATUSES


OPEN_STATUSES = frozenset({TaskStatus.PENDING, TaskStatus.THROTTLED, TaskStatus.RUNNING})


class Reason(StrEnum):
    """Why a task failed. NONE for every other end."""

    NONE = ""
    MODERATION_INPUT = "moderation_input"
    MODERATION_OUTPUT = "moderation_output"
    MODERATION = "moderation"
    ASSET = "asset"
    INVALID_INPUT = "invalid_input"
    BAD_OUTPUT = "bad_output"
    RATE_LIMIT = "rate_limit"
    CAPACITY = "capacity"
    TIMEOUT = "timeout"
    UPSTREAM = "upstream"
    INTERNAL = "internal"
    CREDITS = "credits"
    AUTH = "auth"
    OTHER = "other"


# `gc=False`: they hold no cycles, and hundreds come a second, so the collector need not look through them.
class Observation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", gc=False):
    """What all observations share.

    `account` is the configured account's name, and `at` when the fact was true. A sender that may repeat itself, such
    as an ingest client that retries, sets `id` to a unique value. A repeated id is applied once.
    """

    account: str
    at: float
    id: str = ""


class RequestSeen(Observation, frozen=True, kw_only=True, tag="request"):
    """An exchange ended, attempts included. `at` is its end."""

    endpoint: str
    kind: Kind
    outcome: Outcome
    duration_seconds: float
    model: str = ""
    code: str = "none"
    retry: bool = False


class TaskSeen(Observation, frozen=True, kw_only=True, tag="task"):
    """A task was seen in a status.

    `accepted` marks the reply that created the task. Only there is `model` known. `by_client` tells the application's
    own poll from our follow-up. `exact` says that the provider reported it as it happened, not when it was asked.
    `unanswered` marks a poll whose answer does not mention the task, as Runware answers early on. `has_webhook` says
    that the provider calls the application at the task's end, so that nobody needs to poll it. Credits are the
    provider's figures where it reported them, US dollars where it has no credits.
    """

    task: str
    status: TaskStatus
    endpoint: str = ""
    model: str = ""
    accepted: bool = False
    by_client: bool = True
    exact: bool = False
    unanswered: bool = False
    has_webhook: bool = False
    reason: Reason = Reason.NONE
    estimated_credits: float | None = None
    credits: float | None = None


class TaskMissing(Observation, frozen=True, kw_only=True, tag="task_missing"):
    """The provider answered 404 to a poll of the task."""

    task: str
    by_client: bool = True


class TaskDeleted(Observation, frozen=True, kw_only=True, tag="task_deleted"):
    """The provider confirmed a delete. An open task is cancelled by it, a finished one only forgotten."""

    task: str


UNKNOWN_FIELDS = frozenset({"task_id", "task_status", "task_type", "failure_code", "error_code", "stray_error"})
"""Fields of a provider's answer that may hold a value missing from the tables, besides the names of its reads."""


class UnknownSeen(Observation, frozen=True, kw_only=True, tag="unknown"):
    """The provider sent a value that the dated tables do not hold.

    `field` is one of `UNKNOWN_FIELDS` or the name of a read.
    """

    field: str


MODEL_LIMITS = ("concurrency", "daily_generations")


class ModelLimits(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Limits of one model. None is unlimited, zero is a real limit.

    `unknown` names the limits that the provider did not report in a way that we understand.
    """

    concurrency: int | None = None
    daily_generations: int | None = None
    unknown: tuple[str, ...] = ()


class Organization(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="organization"):
    """An account's limits, use and balance in the provider's own units. None and a missing model are unknown."""

    credit_balance: float | None = None
    monthly_spend_credits: float | None = None
    limits: dict[str, ModelLimits] = {}
    daily_generations: dict[str, int] = {}

    def knows(self, model: str, limit: str) -> bool:
        """Whether this limit of the model is known. A known limit that is None is unlimited."""
        return model in self.limits and limit not in self.limits[model].unknown


class DaySpend(msgspec.Struct, frozen=True, kw_only=True):
    """Net credits of one model on one UTC day. Negative when refunds exceed charges."""

    date: str
    model: str
    credits: float


class SpendTotal(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the provider has summed up of one model; an empty model is the whole account.

    `window` is `today` (UTC) or `30d`, today included. None is unknown.
    """

    model: str
    window: str
    credits: float | None = None
    requests: int | None = None


class Usage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="usage"):
    """Credits spent, by UTC day and model or already summed up, as far back as was asked."""

    days: tuple[DaySpend, ...] = ()
    totals: tuple[SpendTotal, ...] = ()


class Inference(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Seconds of inference by the provider's own count. None is unknown."""

    mean: float | None = None
    p50: float | None = None
    p90: float | None = None
    p99: float | None = None


class Performance(msgspec.Struct, frozen=True, kw_only=True, tag="performance"):
    """Inference times by model on the current UTC day. An empty model is the whole account."""

    models: dict[str, Inference] = {}


class ErrorCount(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Errors that the provider blames on the client and on itself. None is unknown."""

    client: int | None = None
    server: int | None = None


class ProviderErrors(msgspec.Struct, frozen=True, kw_only=True, tag="errors"):
    """The provider's own count of errors by model on the current UTC day."""

    models: dict[str, ErrorCount] = {}


Figures = Organization | Usage | Performance | ProviderErrors


class ReadFinished(Observation, frozen=True, kw_only=True, tag="read"):
    """One of our own account reads ended. `figures` is set only when it worked."""

    read: str
    outcome: Outcome
    duration_seconds: float
    figures: Figures | None = None


AnyObservation = RequestSeen | TaskSeen | TaskMissing | TaskDeleted | UnknownSeen | ReadFinished

Loss = Literal["queue_full", "stopped", "invalid", "unknown_account"]
"""Why an observation was dropped."""

Source = Literal["gateway", "webhook", "ingest", "account_read", "follow_up"]
"""Which way observations came in."""
