import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from monitor.errors import DaemonError
from monitor.judgement.account_reads.reads import ReadState
from monitor.judgement.capacity.outlook import ModelCapacity, QueueState
from monitor.judgement.snapshot import AccountSnapshot, Snapshot
from monitor.observations import DaySpend, SpendTotal, Usage
from monitor.views.figures import AccountFigures, Figures, ModelFigures, RequestFigures
from monitor.views.replies import LimitFigures
from monitor.web.view import account_view

Ask = Callable[..., Awaitable[Figures]]
DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "status.md"


def only(account: AccountSnapshot) -> Snapshot:
    return Snapshot(at=1_795_357_800.0, accounts=(account,))


async def test_models_in_use_are_listed_in_the_order_of_the_status_page(ask: Ask, snapshot: Snapshot) -> None:
    account = (await ask(snapshot)).accounts[0]
    hostile = snapshot.accounts[0].tasks[2].model
    assert [model.model for model in account.models] == ["gen4.5", hostile, "gen4_image", "upscale_v1"]
    assert [model.model for model in account_view(snapshot.accounts[0], snapshot.at).models] == [
        model.model for model in account.models
    ]
    assert account.unlisted_models == 3


async def test_every_model_is_listed_when_asked_for_the_unused_last(ask: Ask, snapshot: Snapshot) -> None:
    account = (await ask(snapshot, every_model=True)).accounts[0]
    assert [model.model for model in account.models][4:] == ["veo3.1", "act_two", "gen4_turbo"]
    assert account.unlisted_models == 0


async def test_a_model_tells_its_tasks_limits_and_spend(ask: Ask, snapshot: Snapshot) -> None:
    model = (await ask(snapshot, "production")).accounts[0].models[0]
    assert (model.pending, model.throttled, model.running, model.orphaned) == (1, 198, 4, 3)
    assert (model.throttled_oldest_age_seconds, model.throttled_drain_seconds) == (1284.5, 1485.0)
    assert model.limit("daily_generations") == LimitFigures(
        limit="daily_generations", allowed=500, used=418, saturation_ratio=0.836, soft=0.75, hard=0.9
    )
    assert (model.spent_today_dollars, model.spent_30d_dollars) == (12.0, 42.0)
    assert (model.daily_exhaustion_seconds, model.recent_task_seconds) == (3540, 41.2)


async def test_models_without_limits_tell_their_capacity_the_worst_first(ask: Ask, snapshot: Snapshot) -> None:
    worse = ModelCapacity(model="worse", state=QueueState.SATURATED, recommended_concurrency=2)
    runware = snapshot.accounts[2]
    (account,) = (await ask(only(replace(runware, capacity=(*runware.capacity, worse))))).accounts
    assert [model.model for model in account.models][:2] == ["worse", "google:3@1"]
    assert [model.capacity for model in account.models][:2] == [worse, runware.capacity[0]]
    assert account.warnings[:2] == (
        "worse: saturated; keep at most 2 tasks open",
        "google:3@1: approaching saturation; keep at most 3 tasks open",
    )


async def test_an_account_tells_its_money_and_requests(ask: Ask, snapshot: Snapshot) -> None:
    account = (await ask(snapshot)).accounts[0]
    assert (account.balance_credits, account.balance_dollars) == (18_240, 182.4)
    assert (account.spent_today_dollars, account.spent_30d_dollars) == (11.6, 46.47)
    create = account.requests[0]
    assert (create.kind, create.total, create.failed, create.error_ratio) == ("create", 532, 25, 25 / 532)
    assert create.recent == {"success": 7, "rate_limited": 3}
    assert (account.burn_1h_dollars, account.burn_24h_dollars, account.runway_seconds) == (15.2, 15.2, 18_000)
    assert (account.autobilling, account.purchase_coverage_ratio) == ("due", 0.5)
    assert account.retries == 20


async def test_what_is_unknown_is_null_and_never_zero(ask: Ask, snapshot: Snapshot) -> None:
    staging = (await ask(snapshot)).accounts[1]
    money = (staging.balance_credits, staging.balance_dollars, staging.spent_today_dollars, staging.spent_30d_dollars)
    assert money == (None, None, None, None)
    burn = (staging.burn_1h_dollars, staging.burn_24h_dollars, staging.runway_seconds, staging.autobilling)
    assert burn == (None, None, None, None)
    model = (await ask(only(replace(snapshot.accounts[0], organization=None, usage=None)))).accounts[0].models[0]
    assert (model.limits, model.spent_today_dollars) == ((), None)
    assert model.unknown_limits == ("concurrency", "daily_generations")


async def test_spend_without_a_model_has_no_limits_of_its_own(ask: Ask, snapshot: Snapshot) -> None:
    usage = Usage(days=(DaySpend(date="2026-11-22", model="", credits=5.0),))
    told = (await ask(only(replace(snapshot.accounts[0], usage=usage, tasks=())))).accounts[0]
    assert [limit.limit for limit in told.limits] == ["monthly_spend_credits"]
    assert [model.limits for model in told.models if not model.model] == [()]


async def test_a_model_on_which_nothing_was_spent_is_not_in_use(ask: Ask, snapshot: Snapshot) -> None:
    usage = Usage(totals=tuple(SpendTotal(model="", window=window, credits=0.0) for window in ("today", "30d")))
    told = (await ask(only(replace(snapshot.accounts[0], organization=None, usage=usage, tasks=())))).accounts[0]
    assert (told.models, told.spent_today_dollars) == ((), 0.0)


async def test_nothing_throttled_has_no_age(ask: Ask, snapshot: Snapshot) -> None:
    model = (await ask(snapshot)).accounts[0].models[2]
    assert (model.throttled, model.throttled_oldest_age_seconds, model.throttled_drain_seconds) == (0, None, None)


async def test_only_the_accounts_asked_for_are_told(ask: Ask, snapshot: Snapshot) -> None:
    assert [account.account for account in (await ask(snapshot, "staging")).accounts] == ["staging"]
    assert len((await ask(snapshot, "staging", "production")).accounts) == 2


async def test_an_unknown_account_is_told_with_those_there_are(ask: Ask, snapshot: Snapshot) -> None:
    with pytest.raises(
        DaemonError, match=r"^no account is named 'nobody'; the daemon watches production, staging, runware$"
    ):
        await ask(snapshot, "production", "nobody")
    with pytest.raises(DaemonError, match=r"^no account is named 'nobody'; the daemon watches none$"):
        await ask(Snapshot(at=1.0), "nobody")


async def test_warnings_say_what_hurts_but_not_full_concurrency_nor_unused_limits(ask: Ask, snapshot: Snapshot) -> None:
    told = await ask(snapshot)
    assert told.accounts[0].warnings == (
        "the credits last 5 h at $36.48 an hour",
        "the purchase limit will be reached in about 10 d",
        "the read of usage: failing (overloaded), last worked 10 min 40 s ago",
        "gen4.5: daily generations at 83 %: 418 of 500",
        "gen4.5: the daily limit will be reached in about 59 min",
        "act_two: the daily limit is full; the first slot frees in 23 h 34 min (Mon 14:04 UTC)",
        "gen4.5: 198 throttled, for up to 21 min 24 s",
        "3 tasks orphaned, their client stopped polling: gen4.5 3",
    )
    assert told.accounts[1].warnings == ("the read of organization: has not worked yet (unauthorized)",)


def test_every_field_of_the_json_is_documented() -> None:
    documented = set(re.findall(r"`([a-z0-9_]+)`", DOCUMENT.read_text().partition("## JSON")[2]))
    for shape in (Figures, AccountFigures, ModelFigures, RequestFigures, LimitFigures, ReadState, ModelCapacity):
        fields = {field.encode_name for field in msgspec.structs.fields(shape)}
        assert fields <= documented, fields - documented
