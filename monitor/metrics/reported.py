"""Rows of what a provider reports of an account's use by itself."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import asdict

from monitor.judgement.snapshot import AccountSnapshot

Row = tuple[tuple[str, ...], float]


def requests(account: AccountSnapshot, _: float) -> Iterable[Row]:
    """Requests by model and window."""
    totals = account.usage.totals if account.usage else ()
    return (((one.model, one.window), one.requests) for one in totals if one.requests is not None)


def errors(account: AccountSnapshot, _: float) -> Iterable[Row]:
    """Errors by model and by whose fault they are."""
    counts = account.provider_errors.models if account.provider_errors else {}
    for model, count in counts.items():
        yield from (((model, side), number) for side, number in asdict(count).items() if number is not None)


def inference_seconds(account: AccountSnapshot, _: float) -> Iterable[Row]:
    """Inference times by model and statistic."""
    times = account.performance.models if account.performance else {}
    for model, each in times.items():
        yield from (((model, name), seconds) for name, seconds in asdict(each).items() if seconds is not None)


def models(account: AccountSnapshot, _: float) -> Iterable[Row]:
    """Whose model each is."""
    return (((model, upstream), 1.0) for model, upstream in account.upstreams.items())
