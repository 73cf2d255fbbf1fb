"""Which model names become labels."""

import pytest

from monitor.observations import (
    Kind,
    ModelLimits,
    Organization,
    Outcome,
    ReadFinished,
    RequestSeen,
    TaskSeen,
    TaskStatus,
)
from monitor.tasks.models import Models, admit


def request(model: str, kind: Kind = Kind.CREATE, outcome: Outcome = Outcome.INVALID_REQUEST) -> RequestSeen:
    return RequestSeen(account="a", at=1, endpoint="/e", kind=kind, outcome=outcome, duration_seconds=1, model=model)


def task(model: str, accepted: bool) -> TaskSeen:
    return TaskSeen(account="a", at=1, task="t", status=TaskStatus.PENDING, model=model, accepted=accepted)


def names(maximum: int = 100, **remembered: bool) -> Models:
    return Models(remembered, frozenset({"gen4.5"}), maximum)


@pytest.mark.parametrize("name", ["", "unknown", "other", "mixed", "workflow"])
def test_names_that_stand_for_no_model_need_no_admission(name: str) -> None:
    models = names(maximum=0)

    assert admit(request(name), models).model == name  # type: ignore[union-attr]
    assert (models.changed, models.capped) == ({}, 0)


@pytest.mark.parametrize(
    ("seen", "label"),
    [
        (request("gen4.5"), "gen4.5"),
        (request("typo"), "unknown"),
        (request("new", outcome=Outcome.SUCCESS), "new"),
        (request("new", Kind.POLL, Outcome.SUCCESS), "unknown"),
        (task("new", accepted=True), "new"),
        (task("new", accepted=False), "unknown"),
        (task("", accepted=True), ""),
        (request("listed"), "listed"),
        (request("used"), "used"),
    ],
)
def test_a_model_is_admitted_when_the_catalogue_the_account_or_the_vendor_vouches(
    seen: RequestSeen | TaskSeen, label: str
) -> None:
    assert admit(seen, names(listed=False, used=True)).model == label  # type: ignore[union-attr]


def test_what_the_organization_lists_is_remembered_and_admitted_later() -> None:
    models = names()
    figures = Organization(limits={"brand_new": ModelLimits()})

    admit(
        ReadFinished(
            account="a", at=1, read="organization", outcome=Outcome.SUCCESS, duration_seconds=1, figures=figures
        ),
        models,
    )

    assert models.changed == {"brand_new": False}
    assert admit(request("brand_new"), models).model == "brand_new"  # type: ignore[union-attr]
    assert models.changed == {"brand_new": True}


def test_names_beyond_the_maximum_become_other_and_those_in_use_stay() -> None:
    models = names(maximum=2, first=True, listed=False)

    labels = [models.label(name, vouched=True) for name in ("second", "third", "first", "second", "listed")]

    assert labels == ["second", "other", "first", "second", "other"]
    assert models.capped == 2
