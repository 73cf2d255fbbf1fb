"""The settings of a simulated Runware account. Times are in seconds, money is in US dollars."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from monitor.simulator.runware.catalog import DEFAULT, MODELS, Pace
from monitor.simulator.runware.errors import WEIGHTS
from monitor.simulator.shared.settings import AccountSettings, Count, NotNegative, Share

DEFAULT_KEY = "5imu1atedRunwareKey0123456789abc"
"""A well-formed key that only the simulator accepts."""

Machines = Annotated[int, Meta(ge=1)]
Status = Annotated[int, Meta(ge=200, le=599)]


class ModelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """The settings of one model. None takes the value of the account."""

    seconds: NotNegative | None = None
    price: NotNegative | None = None
    capacity: Machines | None = None
    queue: Count | None = None


class Settings(AccountSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything about an account that stays until it is changed.

    Each model has `capacity` machines, and a queue for `queue` tasks. A task that waits for `longest_wait` fails with
    `timeoutProvider`. If the queue is full, a task is refused with 429; if it has been full for `shed_after`, with 503.
    `seconds` overrides the pace of every model.

    A reply that holds nothing but refusals has `refusal_status`; one that holds nothing but failed tasks has
    `verdict_status`. None takes the status of the error code. A synchronous HTTP request gets a page with 504 after
    `sync_seconds`; its task keeps running.

    These settings choose among shapes that the real API has shown: `balance_shape`, `packing` (one frame for each
    result, or one for all), `empty_polls` (how many polls of a task are answered without any element), `payload_bytes`
    (size of base64 results), `chunks` (pieces of a stream). `webhook_polls` says whether a task with a webhook can also
    be polled, which Runware does not document. `idle_seconds`, `idle_code` and `resume_seconds` concern WebSockets.
    `paused_environments` are serverless environments whose monthly budget is spent.
    """

    capacity: Machines = 4
    queue: Count = 32
    longest_wait: NotNegative = 60.0
    shed_after: NotNegative = 30.0
    seconds: NotNegative | None = None
    jitter: Share = 0.0
    models: dict[str, ModelSettings] = field(default_factory=dict)
    failures: dict[str, NotNegative] = field(default_factory=lambda: dict(WEIGHTS))
    refusal_status: Status | None = None
    verdict_status: Status | None = 200
    sync_seconds: NotNegative = 120.0
    balance_shape: Literal["number", "object"] = "number"
    packing: Literal["split", "packed"] = "split"
    empty_polls: Count = 0
    webhook_polls: bool = True
    payload_bytes: Count = 1_024
    chunks: Machines = 4
    idle_seconds: NotNegative = 120.0
    idle_code: Annotated[int, Meta(ge=1000, le=4999)] = 1000
    resume_seconds: NotNegative = 120.0
    paused_environments: tuple[str, ...] = ()

    def pace(self, model: str) -> Pace:
        """Return how long a result of `model` takes and what it costs."""
        usual, own = MODELS.get(model, DEFAULT), self.models.get(model, ModelSettings())
        general = usual.seconds if self.seconds is None else self.seconds
        return Pace(
            general if own.seconds is None else own.seconds,
            usual.price if own.price is None else own.price,
        )

    def capacity_of(self, model: str) -> int:
        """Return how many tasks of `model` run at once."""
        return self.models.get(model, ModelSettings()).capacity or self.capacity

    def queue_size(self, model: str) -> int:
        """Return how many tasks of `model` can wait."""
        own = self.models.get(model, ModelSettings()).queue
        return self.queue if own is None else own
