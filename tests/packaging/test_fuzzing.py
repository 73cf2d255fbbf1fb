"""The fuzzing itself: true messages pass, and what must not be is found."""

from __future__ import annotations

from dataclasses import replace

import pytest
from msgspec import structs

from benchmarks.fuzz.cases import TEXTS, case_of, seeds
from benchmarks.fuzz.exercise import EVERY, Exercise
from monitor.observations import AnyObservation
from monitor.providers import PROVIDERS
from monitor.providers.http import Exchange
from monitor.providers.runway import Runway

CASES = [case_of(seed) for seed in seeds()]


@pytest.mark.parametrize("name", PROVIDERS)
def test_true_messages_and_what_fuzzing_begins_with_pass(name: str) -> None:
    exercise = Exercise(PROVIDERS[name])
    for case in (*CASES[:60], case_of(b""), case_of(b"\xff" * 100)):
        exercise(case)


class Raises(Runway):
    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        return [*super().decode(exchange), exchange.body[1_000_000]]  # type: ignore[list-item]


class Mints(Runway):
    """A label from what anybody says."""

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        first, *rest = super().decode(exchange)
        return [structs.replace(first, model="no model"), *rest]


class Hoards(Runway):
    """Memory that grows with nothing that was said."""

    def decode(self, exchange: Exchange) -> list[AnyObservation]:
        bytes(32 * 2**20)
        return super().decode(exchange)


def fuzzed(exercise: Exercise) -> None:
    for case in CASES[:EVERY]:
        exercise(case)


@pytest.mark.parametrize("broken", [Raises, Mints, Hoards])
def test_what_must_not_be_is_found(broken: type[Runway]) -> None:
    with pytest.raises((AssertionError, IndexError)):
        fuzzed(Exercise(broken()))


def test_a_case_has_both_sides_of_an_exchange() -> None:
    case = case_of(b"\0\0\0\0\x01\0\x03" + TEXTS[1] + b"\0" + TEXTS[4])
    assert (case.request, case.coding, case.is_whole) == (TEXTS[1], "gzip", True)
    assert case.reply.startswith(b"\x1f\x8b")
    assert replace(case, coding="").path == "/v1"
