import json
from typing import Any
from uuid import UUID

import pytest
from helpers_runware import RUNWARE

from monitor.observations import (
    DaySpend,
    ErrorCount,
    Inference,
    Organization,
    Outcome,
    Performance,
    ProviderErrors,
    ReadFinished,
    SpendTotal,
    UnknownSeen,
    Usage,
)
from monitor.providers.http import Exchange, Failure

READS = {read.name: read for read in RUNWARE.reads}
NOW = 1_795_300_000.0  # 2026-11-21 in UTC
AIR = "runware:100@1"
DETAILS = {
    "taskType": "accountManagement",
    "operation": "getDetails",
    "organizationName": "ACME",
    "balance": 2450.75,
    "team": [{"name": "Ada", "email": "ada@example.com", "roles": ["Owner"]}],
    "apiKeys": [{"name": "prod", "apiKey": "1234****", "requests": 12}],
    "usage": {"today": {"credits": 3.5, "requests": 40}},
}


def decode(read: str, body: object, status: int | None = 200, failure: Failure | None = None) -> list[Any]:
    call = READS[read].call(NOW)
    return READS[read].decode(
        Exchange(
            account="a",
            method=call.method,
            path=call.path,
            route=RUNWARE.route(call.method, call.path),
            started_at=NOW,
            duration_seconds=0.5,
            request_items=call.items,
            status=status,
            body=body if isinstance(body, bytes) else json.dumps(body).encode(),
            failure=failure,
        )
    )


def figures(read: str, *items: object) -> Any:
    [finished] = decode(read, {"data": items})
    assert finished.outcome is Outcome.SUCCESS
    return finished.figures


def usage(start: str, end: str, group: str = "model", **part: object) -> dict[str, object]:
    return {"operation": "x", "startDate": start, "endDate": end, "usage": {group: part}}


def test_the_reads_are_tasks_that_generate_nothing() -> None:
    assert list(READS) == ["details", "activity", "performance", "errors"]
    for read in RUNWARE.reads:
        call = read.call(NOW)
        assert (call.method, call.path) == ("POST", "/v1")
        assert isinstance(call.json, list)
        for task in call.json:
            assert task["taskType"] == "accountManagement"
            assert UUID(str(task["taskUUID"])).version == 4
    assert READS["details"].minimum_interval_seconds == 0
    assert {each.minimum_interval_seconds for name, each in READS.items() if name != "details"} == {300.0}


def test_activity_asks_for_today_and_for_thirty_days_with_it() -> None:
    today, month = READS["activity"].call(NOW).json  # type: ignore[misc]
    assert (today["startDate"], today["endDate"], today["groupBy"]) == ("2026-11-21", "2026-11-21", ["model"])
    assert (month["startDate"], month["endDate"]) == ("2026-10-23", "2026-11-21")
    assert month["groupBy"] == ["date", "model"]
    assert today["taskUUID"] != month["taskUUID"]


@pytest.mark.parametrize(
    "balance",
    [2450.75, {"amount": 2450.75, "currency": "USD"}, {"amount": 2450.75, "freeBalance": 1}],
)
def test_the_balance_is_a_number_or_an_object(balance: object) -> None:
    assert figures("details", DETAILS | {"balance": balance}) == Organization(credit_balance=2450.75)


@pytest.mark.parametrize("balance", ["2450.75", None, {}, {"amount": "x"}, [1], True])
def test_a_balance_that_cannot_be_read_is_unknown(balance: object) -> None:
    strange, finished = decode("details", {"data": [DETAILS | {"balance": balance}]})
    assert strange == UnknownSeen(account="a", at=NOW + 0.5, field="details")
    assert (finished.outcome, finished.figures) == (Outcome.TRUNCATED, None)


def test_no_name_and_no_key_of_the_organization_is_kept() -> None:
    told = repr(decode("details", {"data": [DETAILS]}))
    assert not [secret for secret in ("ACME", "Ada", "ada@", "1234", "prod") if secret in told]


def test_activity_is_spend_and_requests_by_model_and_window_and_spend_by_day() -> None:
    row = {"model": AIR, "modelName": "FLUX", "count": 12, "spend": 1.5}
    today = usage("2026-11-21", "2026-11-21", data=[row], meta={"totalSpend": 1.5, "totalRequests": 12})
    month = usage("2026-10-23", "2026-11-21", data=[row | {"count": 90, "spend": 40.0}])
    days = [{"date": "2026-11-20", "count": 4, "spend": 7.0}, {"date": "2026-11-21", "model": AIR, "spend": 1.5}]
    month["usage"] |= {"timeseries": {"data": [*days, {"date": "x", "spend": 1}, 5]}}  # type: ignore[operator]
    expected = Usage(
        days=(
            DaySpend(date="2026-11-20", model="", credits=7.0),
            DaySpend(date="2026-11-21", model=AIR, credits=1.5),
        ),
        totals=(
            SpendTotal(model=AIR, window="today", credits=1.5, requests=12),
            SpendTotal(model=AIR, window="30d", credits=40.0, requests=90),
        ),
    )
    assert figures("activity", today, month) == expected
    assert figures("activity", month, today) == expected


def test_activity_without_models_is_the_account_as_a_whole() -> None:
    meta = {"totalSpend": 9.0, "totalRequests": 3}
    told = [usage("2026-11-21", "2026-11-21", data=[]), usage("2026-10-23", "2026-11-21", data=[], meta=meta)]
    assert figures("activity", *told) == Usage(totals=(SpendTotal(model="", window="30d", credits=9.0, requests=3),))


def test_performance_is_seconds_and_null_is_unknown() -> None:
    rows = [
        {"model": AIR, "avgInferenceTime": 1.4, "p90InferenceTime": 2.0, "p99InferenceTime": None},
        {"model": "idle:1@1", "avgInferenceTime": None},
    ]
    meta = {"avgInferenceTime": 1.4, "p50InferenceTime": 1.2, "p90InferenceTime": 2.0, "p99InferenceTime": 3.5}
    assert figures("performance", usage("2026-11-21", "2026-11-21", data=rows, meta=meta)) == Performance(
        models={AIR: Inference(mean=1.4, p90=2.0), "": Inference(mean=1.4, p50=1.2, p90=2.0, p99=3.5)}
    )


def test_errors_are_counts_by_model() -> None:
    rows = [{"model": AIR, "clientErrors": 3, "serverErrors": 9}]
    item = usage("2026-11-21", "2026-11-21", data=rows, meta={"totalErrors": 12, "errorRate": 0.6})
    assert figures("errors", item) == ProviderErrors(models={AIR: ErrorCount(client=3, server=9)})


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize(
    ("body", "status", "failure", "outcome"),
    [
        ({"errors": [{"code": "invalidApiKey", "message": "m"}]}, 401, None, Outcome.UNAUTHORIZED),
        ({"errors": [{"code": "errorRetrievingAccountManagement"}]}, 200, None, Outcome.SERVER_ERROR),
        ({"data": [DETAILS], "errors": [{"code": "permissionDenied"}]}, 200, None, Outcome.FORBIDDEN),
        (b"<html>", 503, None, Outcome.OVERLOADED),
        (b"", 429, None, Outcome.RATE_LIMITED),
        (b"<html>", 302, None, Outcome.REDIRECTED),
        ({"data": [DETAILS]}, 307, None, Outcome.REDIRECTED),
        (b"", 304, None, Outcome.REDIRECTED),
        (b"<html>", 200, None, Outcome.TRUNCATED),
        ({"data": []}, 200, None, Outcome.TRUNCATED),
        (b"", None, Failure.TIMEOUT, Outcome.TIMEOUT),
        (b"", None, None, Outcome.UNREACHABLE),
    ],
)
def test_a_read_that_fails_has_no_figures(
    read: str, body: object, status: int | None, failure: Failure | None, outcome: Outcome
) -> None:
    *_, finished = decode(read, body, status, failure)
    assert isinstance(finished, ReadFinished)
    assert (finished.read, finished.outcome, finished.figures) == (read, outcome, None)
