"""What can be chosen about a simulated account. Times are seconds, money is US dollars."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from monitor.simulator.runware.catalog import DEFAULT, MODELS, Pace
from monitor.simulator.runware.errors import WEIGHTS
from monitor.simulator.shared.settings import AccountSettings, Count, NotNegative, Share

DEFAULT_KEY = "5imu1atedRunwareKey0123456789abc"
"""Well formed, and good for nothing but the simulator."""

Machines = Annotated[int, Meta(ge=1)]
Status = Annotated[int, Meta(ge=200, le=599)]


class ModelSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """What is particular to one model; None is as for all."""

    seconds: NotNegative | None = None
    price: NotNegative | None = None
    capacity: Machines | None = None
    queue: Count | None = None


class Settings(AccountSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything about an account that stays until it is changed.

    Each model has `capacity` machines and a queue before them for `queue` tasks. Who waits in it for `longest_wait`
    fails with `timeoutProvider`; beyond it a task is turned away with 429, and with 503 once it has been full for
    `shed_after`. `seconds` overrides the pace of every model.

    `failure_rate` is the share of tasks that fail, with codes drawn by the weights in `failures`. A reply that is
    nothing but refusals has `refusal_status`, one that is nothing but failed tasks `verdict_status`; None is what goes
    with the code. A synchronous request over HTTP gets a page with 504 after `sync_seconds`, while its task goes on.

    `balance_shape`, `packing` (a frame for each thing told, or one for all), `empty_polls` (how many polls of a task
    say nothing yet), `payload_bytes` (of base64 results) and `chunks` (of a stream) choose among shapes that were all
    seen. `webhook_polls` says whether a task with a webhook can be polled too, which nobody has told. `idle_seconds`,
    `idle_code` and `resume_seconds` are about WebSockets, `paused_environments` about applications of one's own
    (serverless): those whose budget of the month is spent.
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
        """How long a result of `model` takes, and what it costs."""
        usual, own = MODELS.get(model, DEFAULT), self.models.get(model, ModelSettings())
        general = usual.seconds if self.seconds is None else self.seconds
        return Pace(
            general if own.seconds is None else own.seconds,
            usual.price if own.price is None else own.price,
        )

    def capacity_of(self, model: str) -> int:
        """How many tasks of `model` run at once."""
        return self.models.get(model, ModelSettings()).capacity or self.capacity

    def queue_size(self, model: str) -> int:
        """How many tasks of `model` may wait."""
        own = self.models.get(model, ModelSettings()).queue
        return self.queue if own is None else own
