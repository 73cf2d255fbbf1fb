import re
from pathlib import Path

from aiohttp.test_utils import TestClient
from listeners import Daemon

from monitor.judgement.snapshot import Snapshot
from monitor.metrics.families import FAMILIES
from monitor.tasks.counters import CounterSpec

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "api.md"


async def test_nothing_is_told_before_the_first_evaluation(client: TestClient) -> None:
    for path in ("/api/v1/accounts", "/api/v1/accounts/production"):
        answer = await client.get(path)
        assert answer.status == 503
        assert await answer.json() == {"error": "the first evaluation has not ended yet"}


async def test_every_account_is_listed(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.snapshot = snapshot
    body = await (await client.get("/api/v1/accounts")).json()
    assert body["at"] == snapshot.at
    assert [account["account"] for account in body["accounts"]] == ["production", "staging", "runware"]


async def test_an_account_tells_all_that_the_snapshot_holds(
    client: TestClient, daemon: Daemon, snapshot: Snapshot
) -> None:
    daemon.snapshot = snapshot
    body = await (await client.get("/api/v1/accounts/production")).json()
    account = snapshot.accounts[0]
    assert [tuple(count["labels"].values()) for count in body["counts"]] == [one.labels for one in account.series]
    assert [count["value"] for count in body["counts"]] == [one.value for one in account.series]
    assert body["counts"][0] == {
        "name": "requests",
        "labels": {
            "endpoint": "/v1/text_to_video",
            "kind": "create",
            "model": "gen4.5",
            "code": "200",
            "outcome": "success",
        },
        "value": 412.0,
    }
    assert body["tasks"][0]["open"] == {"pending": 1, "throttled": 198, "running": 4}
    assert body["organization"]["credit_balance"] == 18_240
    assert body["usage"]["days"][0]["model"] == "gen4.5"
    assert body["daily"][0] == {
        "model": "gen4.5",
        "limit": 500,
        "outlook": "expected",
        "exhaustion_seconds": 3540.0,
        "free_seconds": None,
        "next_free_seconds": 312.5,
        "freeing": {"1h": 12, "4h": 96, "12h": 250},
        "expiries": [],
        "unseen": 0,
    }
    assert body["reconciled"][0] == {
        "model": "gen4.5",
        "generations": 418,
        "drift": 6,
        "unseen": {"low": 0.0, "expected": 0.0125, "high": 0.0625},
    }
    assert body["tier"] == {
        "table": "docs, autumn 2026",
        "configured": 2,
        "inferred": 2,
        "compared": 2,
        "mismatches": [{"model": "gen4_image", "limit": "daily_generations", "live": None, "table": [1000]}],
    }
    assert (body["ledger_coverage"], body["forecast_precision"], body["forecast_recall"]) == (0.995, 0.8, 0.5)
    assert body["thresholds"] == {"daily_generations": {"soft": 0.75, "hard": 0.9}}
    assert body["reads"][1] == {"read": "usage", "up": False, "age_seconds": 640.0, "outcome": "overloaded"}
    assert body["limits"][1] == {
        "model": "gen4.5",
        "limit": "daily_generations",
        "allowed": 500,
        "used": 418,
        "saturation_ratio": 0.836,
        "soft": 0.75,
        "hard": 0.9,
    }


async def test_an_account_tells_what_follows_from_its_figures(
    client: TestClient, daemon: Daemon, snapshot: Snapshot
) -> None:
    daemon.snapshot = snapshot
    body = await (await client.get("/api/v1/accounts/production")).json()
    assert {one["model"]: (one["today_credits"], one["month_credits"]) for one in body["spent"]} == {
        "gen4.5": (1200, 4200),
        "gen4_image": (-40, 435),
        "upscale_v1": (0, 12),
    }
    assert {one["kind"]: (one["total"], one["failed"]) for one in body["requests"]} == {
        "create": (532, 25),
        "poll": (12871, 31),
        "delete": (9, 0),
        "other": (3, 0),
    }
    assert body["requests"][1]["outcomes"] == {"success": 12840, "overloaded": 31}
    assert body["retries"] == 20


async def test_every_field_of_an_account_is_documented(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.snapshot = snapshot
    accounts = (await (await client.get("/api/v1/accounts")).json())["accounts"]
    section = DOCUMENT.read_text().partition("## Accounts")[2].partition("\n## ")[0]
    documented = set(re.findall(r"`([a-z0-9_]+)`", section))
    assert set().union(*accounts, accounts[0]["reads"][0]) <= documented


async def test_the_advice_has_a_path_of_its_own(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    assert (await client.get("/api/v1/accounts/production/advice")).status == 503
    daemon.snapshot = snapshot
    body = await (await client.get("/api/v1/accounts/production/advice")).json()
    whole = await (await client.get("/api/v1/accounts/production")).json()
    assert body.keys() == {"at", "age_seconds", "account", "provider", "tier", "advice", "capacity"}
    assert (body["at"], body["account"], body["provider"]) == (snapshot.at, "production", "runway")
    assert (body["tier"], body["advice"]) == (whole["tier"], whole["advice"])
    week, month = body["advice"]["windows"]
    assert (week["window"], week["verdict"], week["tier"], week["purchased_dollars"]) == ("7d", "advised", 3, 100)
    assert (month["verdict"], month["tier"], month["models"]) == ("too_little_watched", None, [])
    staging = await (await client.get("/api/v1/accounts/staging/advice")).json()
    assert (staging["tier"], staging["advice"]) == (None, None)
    assert (await client.get("/api/v1/accounts/nobody/advice")).status == 404


async def test_the_age_of_the_figures_is_told(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.snapshot = snapshot
    daemon.clock.advance(42)
    for path in ("/api/v1/accounts", "/api/v1/accounts/production"):
        assert (await (await client.get(path)).json())["age_seconds"] == 42
    daemon.clock.advance(-3600)
    assert (await (await client.get("/api/v1/accounts")).json())["age_seconds"] == 0


async def test_what_is_unknown_is_null(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.snapshot = snapshot
    body = await (await client.get("/api/v1/accounts/staging")).json()
    assert (body["organization"], body["usage"], body["spent"], body["limits"]) == (None, None, None, [])
    assert (body["requests"], body["retries"]) == ([], 0)


async def test_an_account_that_is_not_there_is_not_found(
    client: TestClient, daemon: Daemon, snapshot: Snapshot
) -> None:
    daemon.snapshot = snapshot
    answer = await client.get("/api/v1/accounts/nobody")
    assert (answer.status, await answer.json()) == (404, {"error": "no account is named 'nobody'"})


def test_every_durable_count_is_a_metric_with_the_same_labels() -> None:
    families = {family.counter: family for family in FAMILIES if family.counter}
    assert families.keys() == set(CounterSpec)
    for counter, family in families.items():
        assert ("provider", "account", *(label for label in counter.labels if label != "part")) == family.labels
