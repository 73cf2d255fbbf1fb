"""What an account read says, rightly or not."""

from __future__ import annotations

import copy

import pytest

from monitor import __version__
from monitor.observations import DaySpend, ModelLimits, Organization, Outcome, ReadFinished, UnknownSeen, Usage
from monitor.providers import PROVIDERS
from monitor.providers.http import Call, Failure

RUNWAY = PROVIDERS["runway"]
READS = {read.name: read for read in RUNWAY.reads}
MIDNIGHT = 1_795_392_000.0  # 2026-11-23T00:00:00Z
ORGANIZATION = {
    "creditBalance": 5000,
    "tier": {
        "maxMonthlyCreditSpend": 10000,
        "models": {
            "gen4.5": {"maxConcurrentGenerations": 2, "maxDailyGenerations": 200},
            "aleph2": {"maxConcurrentGenerations": None, "maxDailyGenerations": None},
            "ruby": {"maxConcurrentGenerations": 0, "maxDailyGenerations": 0},
        },
    },
    "usage": {"models": {"gen4.5": {"dailyGenerations": 12}, "veo3": {"dailyGenerations": 1}}},
}
FIGURES = Organization(
    credit_balance=5000,
    monthly_spend_credits=10000,
    limits={
        "gen4.5": ModelLimits(concurrency=2, daily_generations=200),
        "aleph2": ModelLimits(),
        "ruby": ModelLimits(concurrency=0, daily_generations=0),
    },
    daily_generations={"gen4.5": 12, "veo3": 1, "aleph2": 0, "ruby": 0},
)
USAGE = {
    "results": [
        {"date": "2026-11-20", "usedCredits": [{"model": "gen4.5", "amount": 120}, {"model": "ruby", "amount": -8}]},
        {"date": "2026-11-21", "usedCredits": []},
        {"date": "2026-11-22", "usedCredits": [{"model": "never_heard_of", "amount": 5}]},
    ],
    "models": ["gen4.5", "ruby"],
    "apiKeys": [],
}


def read(exchange, name: str, body: object, **more) -> list:
    call = READS[name].call(MIDNIGHT)
    return READS[name].decode(exchange(call.method, call.path, body, by_client=False, **more))


def worked(name: str, figures) -> ReadFinished:
    return ReadFinished(
        account="production", at=1010.0, read=name, outcome=Outcome.SUCCESS, duration_seconds=10.0, figures=figures
    )


def failed(name: str, outcome: Outcome) -> ReadFinished:
    return ReadFinished(account="production", at=1010.0, read=name, outcome=outcome, duration_seconds=10.0)


def drift(name: str) -> UnknownSeen:
    return UnknownSeen(account="production", at=1010.0, field=name)


def changed(document: dict, value: object, *keys: str) -> dict:
    """A copy with `value` under `keys`, or without it where `value` is Ellipsis."""
    document = copy.deepcopy(document)
    inner = document
    for key in keys[:-1]:
        inner = inner[key]
    if value is ...:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value
    return document


def test_the_reads_and_their_pace_are_known():
    assert {name: read.minimum_interval_seconds for name, read in READS.items()} == {"organization": 0, "usage": 300}


def test_the_organization_is_read_whole(exchange):
    assert READS["organization"].call(0.0) == Call("GET", "/v1/organization")
    assert read(exchange, "organization", ORGANIZATION) == [worked("organization", FIGURES)]


@pytest.mark.parametrize(
    ("now", "start", "before"),
    [(MIDNIGHT, "2026-10-24", "2026-11-24"), (MIDNIGHT - 0.5, "2026-10-23", "2026-11-23")],
)
def test_usage_is_asked_for_30_utc_days_and_today(now, start, before):
    expected = Call("POST", "/v1/organization/usage", {"startDate": start, "beforeDate": before})
    assert READS["usage"].call(now) == expected


def test_usage_is_read_by_day_and_model_refunds_and_strangers_included(exchange):
    days = (
        DaySpend(date="2026-11-20", model="gen4.5", credits=120),
        DaySpend(date="2026-11-20", model="ruby", credits=-8),
        DaySpend(date="2026-11-22", model="never_heard_of", credits=5),
    )
    assert read(exchange, "usage", USAGE) == [worked("usage", Usage(days=days))]


@pytest.mark.parametrize(
    "extra", [("new",), ("tier", "name"), ("tier", "models", "gen4.5", "burst"), ("usage", "tokens")]
)
def test_a_field_more_than_expected_changes_nothing(exchange, extra):
    document = changed(ORGANIZATION, {"any": ["thing"]}, *extra)
    assert read(exchange, "organization", document) == [worked("organization", FIGURES)]


def test_a_negative_balance_and_whole_floats_are_numbers(exchange):
    document = changed(ORGANIZATION, -12.5, "creditBalance")
    document = changed(document, 2.0, "tier", "models", "gen4.5", "maxConcurrentGenerations")
    (finished,) = read(exchange, "organization", document)
    assert finished.figures.credit_balance == -12.5
    assert finished.figures.limits["gen4.5"].concurrency == 2


@pytest.mark.parametrize("bad", [..., None, "5000", [5000], {}, True, 10**30])
def test_a_bad_balance_is_left_out_and_told(exchange, bad):
    told, finished = read(exchange, "organization", changed(ORGANIZATION, bad, "creditBalance"))
    assert told == drift("organization")
    assert finished.figures.credit_balance is None
    assert finished.figures.limits == FIGURES.limits


@pytest.mark.parametrize("bad", [..., None, "1", -1, 0.5, []])
def test_a_bad_spend_limit_is_left_out_and_told(exchange, bad):
    told, finished = read(exchange, "organization", changed(ORGANIZATION, bad, "tier", "maxMonthlyCreditSpend"))
    assert (told, finished.figures.monthly_spend_credits) == (drift("organization"), None)


@pytest.mark.parametrize("bad", [..., "2", -1, 0.5, [2], {}, True])
def test_a_bad_limit_is_left_out_and_told_while_its_neighbour_stays(exchange, bad):
    document = changed(ORGANIZATION, bad, "tier", "models", "gen4.5", "maxConcurrentGenerations")
    told, finished = read(exchange, "organization", document)
    assert told == drift("organization")
    assert finished.figures.limits["gen4.5"] == ModelLimits(daily_generations=200, unknown=("concurrency",))
    assert not finished.figures.knows("gen4.5", "concurrency")
    assert finished.figures.knows("gen4.5", "daily_generations")


def test_a_limit_that_is_null_is_known_to_be_unlimited_and_a_model_without_an_entry_is_unknown(exchange):
    (finished,) = read(exchange, "organization", ORGANIZATION)
    assert finished.figures.limits["aleph2"] == ModelLimits()
    assert finished.figures.knows("aleph2", "concurrency")
    assert not finished.figures.knows("nobody", "concurrency")


@pytest.mark.parametrize("bad", [..., None, "12", -1, 0.5, [12], True])
def test_a_bad_daily_count_is_unknown_and_not_zero(exchange, bad):
    document = changed(ORGANIZATION, bad, "usage", "models", "gen4.5", "dailyGenerations")
    told, finished = read(exchange, "organization", document)
    assert told == drift("organization")
    assert finished.figures.daily_generations == {"veo3": 1, "aleph2": 0, "ruby": 0}


@pytest.mark.parametrize("keys", [("usage",), ("usage", "models")])
@pytest.mark.parametrize("bad", [..., None, [], "x"])
def test_without_any_daily_counts_none_is_taken_for_zero(exchange, keys, bad):
    told, finished = read(exchange, "organization", changed(ORGANIZATION, bad, *keys))
    assert told == drift("organization")
    assert finished.figures.daily_generations == {}
    assert finished.figures.limits == FIGURES.limits


@pytest.mark.parametrize("keys", [("tier",), ("tier", "models")])
@pytest.mark.parametrize("bad", [..., None, [], 3])
def test_without_limits_the_rest_still_counts(exchange, keys, bad):
    told, finished = read(exchange, "organization", changed(ORGANIZATION, bad, *keys))
    assert told == drift("organization")
    assert (finished.figures.limits, finished.figures.credit_balance) == ({}, 5000)
    assert finished.figures.daily_generations == {"gen4.5": 12, "veo3": 1}


@pytest.mark.parametrize("strange", ["a cat", "", "17f20503-6c24-4c16-946b-35dbbce2af2f", "x" * 65, "gen4.5\n"])
def test_a_name_that_can_be_no_model_is_left_out_and_told(exchange, strange):
    document = changed(ORGANIZATION, {"maxConcurrentGenerations": 1}, "tier", "models", strange)
    document = changed(document, {"dailyGenerations": 1}, "usage", "models", strange)
    assert read(exchange, "organization", document) == [drift("organization"), worked("organization", FIGURES)]


def test_models_are_bounded(exchange):
    limits = {f"l{n}": {"maxConcurrentGenerations": 1, "maxDailyGenerations": 1} for n in range(300)}
    used = {f"u{n}": {"dailyGenerations": n} for n in range(300)}
    document = changed(changed(ORGANIZATION, limits, "tier", "models"), used, "usage", "models")
    told, finished = read(exchange, "organization", document)
    assert told == drift("organization")
    assert (len(finished.figures.limits), len(finished.figures.daily_generations)) == (200, 200)


HOPELESS = [b"", b"null", b"[]", b"{}", b'{"creditBalance":', b"<html>", b'{"message":"hello"}', b"[" * 100_000]


@pytest.mark.parametrize("body", HOPELESS)
@pytest.mark.parametrize("name", ["organization", "usage"])
def test_an_answer_that_says_nothing_is_truncated_and_has_no_figures(exchange, name, body):
    assert read(exchange, name, body)[-1] == failed(name, Outcome.TRUNCATED)


@pytest.mark.parametrize("name", ["organization", "usage"])
@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        ({"status": 401}, Outcome.UNAUTHORIZED),
        ({"status": 404}, Outcome.NOT_FOUND),
        ({"status": 302}, Outcome.REDIRECTED),
        ({"status": 304}, Outcome.REDIRECTED),
        ({"status": 429}, Outcome.RATE_LIMITED),
        ({"status": 500}, Outcome.SERVER_ERROR),
        ({"status": None, "failure": Failure.UNREACHABLE}, Outcome.UNREACHABLE),
        ({"status": None, "failure": Failure.TIMEOUT}, Outcome.TIMEOUT),
        ({"status": 200, "failure": Failure.TRUNCATED}, Outcome.TRUNCATED),
    ],
)
def test_a_read_that_failed_has_its_outcome_and_no_figures(exchange, name, more, outcome):
    assert read(exchange, name, ORGANIZATION | USAGE, **more) == [failed(name, outcome)]


SOUND = {"date": "2026-11-20", "usedCredits": [{"model": "gen4.5", "amount": 120}]}


@pytest.mark.parametrize(
    "bad",
    [
        None,
        "x",
        {},
        {"date": "2026-11-19"},
        {"date": "2026-13-40", "usedCredits": []},
        {"date": "20261119", "usedCredits": []},
        {"date": 20261119, "usedCredits": []},
        {"date": "2026-11-19", "usedCredits": {}},
        {"date": "2026-11-19", "usedCredits": [None]},
        {"date": "2026-11-19", "usedCredits": [{"model": "ruby"}]},
        {"date": "2026-11-19", "usedCredits": [{"model": "ruby", "amount": "5"}]},
        {"date": "2026-11-19", "usedCredits": [{"model": "a cat", "amount": 5}]},
        {"date": "2026-11-19", "usedCredits": [{"amount": 5}]},
    ],
)
def test_a_bad_day_or_amount_is_left_out_and_told_while_the_rest_counts(exchange, bad):
    figures = Usage(days=(DaySpend(date="2026-11-20", model="gen4.5", credits=120),))
    assert read(exchange, "usage", {"results": [bad, SOUND]}) == [drift("usage"), worked("usage", figures)]


def test_nothing_spent_is_a_figure(exchange):
    assert read(exchange, "usage", {"results": [], "models": []}) == [worked("usage", Usage())]


def test_amounts_of_one_day_and_model_add_up(exchange):
    figures = Usage(days=(DaySpend(date="2026-11-20", model="gen4.5", credits=240),))
    assert read(exchange, "usage", {"results": [SOUND, SOUND]}) == [worked("usage", figures)]


def test_models_and_days_of_usage_are_bounded(exchange):
    crowd = [{"model": f"m{n}", "amount": 1} for n in range(300)]
    many = [{"date": "2026-11-20", "usedCredits": crowd}]
    told, finished = read(exchange, "usage", {"results": many})
    assert (told, len(finished.figures.days)) == (drift("usage"), 200)
    told, finished = read(exchange, "usage", {"results": [SOUND] * 93})
    assert (told, finished.figures.days[0].credits) == (drift("usage"), 92 * 120)


def test_our_own_requests_are_authenticated_and_say_who_asks():
    assert RUNWAY.headers("key_abc") == {
        "Authorization": "Bearer key_abc",
        "X-Runway-Version": "2024-11-06",
        "User-Agent": f"genmedia-monitor/{__version__}",
    }


def test_the_provider_says_where_it_is_and_what_a_credit_costs():
    assert (RUNWAY.name, RUNWAY.base_url) == ("runway", "https://api.dev.runwayml.com")
    assert (RUNWAY.key_env, RUNWAY.dollars_per_credit) == ("RUNWAYML_API_SECRET", 0.01)


def test_every_provider_is_listed_under_its_own_name():
    assert all(name == provider.name for name, provider in PROVIDERS.items())
