"""The Model Router: endpoints that choose the model. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from monitor.simulator.runway.api.generations import check_values
from monitor.simulator.runway.api.messages import Call, Reply, ok, page
from monitor.simulator.runway.catalog import ROUTABLE, Modality, estimate, provider
from monitor.simulator.runway.errors import invalid, issue, refuse
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.tasks import timestamp


@dataclass
class Choice:
    """How a request was routed: the models that each filter left, those skipped at capacity, and the chosen one."""

    pipeline: list[dict[str, Any]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    all_exhausted: bool = False
    model: str = ""
    credits: int = 0


def generate(organization: Organization, call: Call, name: str) -> Reply:
    """POST /v1/generate/{video,image,audio}. With `dryRun`, a video is routed and not generated."""
    fields = call.require("configId", "input")
    modality = Modality(name)
    if not isinstance(fields["input"], dict):
        raise invalid([issue("input", "Expected object", "invalid_type")])
    check_values(fields["input"])
    router = _router(organization, fields["configId"])
    choice = _choose(organization, router["settings"], modality, fields["input"])
    if not choice.model:
        emptied_by = [choice.pipeline[-1]["filter"]]
        _note(organization, call, router, choice, emptied_by)
        raise refuse("no_eligible_model", code="no_eligible_model", pipeline=choice.pipeline, emptiedBy=emptied_by)
    routing = _routing(router, choice, modality, fields["input"])
    if modality is Modality.VIDEO and fields.get("dryRun") is True:
        return ok({"routing": routing}, model=choice.model)
    task = organization.submit(choice.model, choice.model, call.path, choice.credits, call.now)
    _note(organization, call, router, choice, [], task.id)
    return ok({"id": task.id, "routing": routing}, model=task.model, task=task.id, task_status="CREATED")


def _router(organization: Organization, slug: object) -> dict[str, Any]:
    for router in organization.resources["routers"].values():
        if router["slug"] == slug:
            return router
    raise refuse("router_config_not_found", code="router_config_not_found")


def _choose(
    organization: Organization, settings: Mapping[str, Any], modality: Modality, inputs: Mapping[str, Any]
) -> Choice:
    choice = Choice()
    prices = {model: estimate(model, inputs) for model in ROUTABLE[modality] if _allowed(settings, model)}
    choice.pipeline.append({"type": "filter", "filter": "allow_deny", "models": list(prices)})
    ceiling = _ceiling(settings, modality)
    if prices and ceiling is not None:
        prices = {model: price for model, price in prices.items() if price <= ceiling}
        choice.pipeline.append({"type": "filter", "filter": "price", "models": list(prices)})
    if not prices:
        return choice
    if settings.get("fallback", {}).get("onCapacity"):
        prices = _with_room(organization, choice, prices)
    choice.model = min(prices, key=prices.__getitem__) if _optimize_for(settings) == "cost" else next(iter(prices))
    choice.credits = prices[choice.model]
    choice.pipeline.append({"type": "rank", "outcome": "single_candidate" if len(prices) == 1 else "selected"})
    return choice


def _with_room(organization: Organization, choice: Choice, prices: dict[str, int]) -> dict[str, int]:
    choice.skipped = [model for model in prices if not organization.queue(model).has_room]
    choice.all_exhausted = len(choice.skipped) == len(prices)
    capacity = {"type": "capacity", "skipped": choice.skipped, "allExhausted": choice.all_exhausted}
    choice.pipeline.append(capacity)
    free = {model: price for model, price in prices.items() if model not in choice.skipped}
    return free or prices


def _allowed(settings: Mapping[str, Any], model: str) -> bool:
    rule = settings.get("models")
    return rule is None or (model in rule["ids"]) == (rule["mode"] == "allowlist_only")


def _optimize_for(settings: Mapping[str, Any]) -> str:
    return str(settings.get("optimizeFor") or "cost")


def _ceiling(settings: Mapping[str, Any], modality: Modality) -> int | None:
    ceiling: int | None = (settings.get("maxCreditsPerGeneration") or {}).get(modality.value)
    return ceiling


def _routing(
    router: Mapping[str, Any], choice: Choice, modality: Modality, inputs: Mapping[str, Any]
) -> dict[str, Any]:
    settings = router["settings"]
    routing = {
        "configId": router["slug"],
        "model": choice.model,
        "provider": provider(choice.model),
        "resolvedSettings": {"optimizeFor": _optimize_for(settings), "priceCeiling": _ceiling(settings, modality)},
        "resolvedInput": _resolved(modality, inputs),
        "estimatedCost": {"credits": choice.credits},
    }
    if choice.skipped:
        routing["capacityFallback"] = {"skipped": choice.skipped, "allExhausted": choice.all_exhausted}
    return routing


def _resolved(modality: Modality, inputs: Mapping[str, Any]) -> dict[str, Any]:
    match modality:
        case Modality.VIDEO:
            return {"duration": inputs.get("duration", 5), "ratio": "1280:720", "resolution": "720p"}
        case Modality.IMAGE:
            return {"aspectRatio": inputs.get("aspectRatio", "16:9"), "ratio": "1280:720", "resolution": "1k"}
        case _:
            return {"type": "speech", "voice": "default"}


def _note(
    organization: Organization,
    call: Call,
    router: Mapping[str, Any],
    choice: Choice,
    emptied_by: list[str],
    task_id: str | None = None,
) -> None:
    routed = task_id is not None
    row = {
        "id": organization.new_id(),
        "requestId": organization.new_id(),
        "createdAt": timestamp(call.now),
        "status": "routed" if routed else "no_eligible_model",
        "reasonCode": ("lowest_cost" if _optimize_for(router["settings"]) == "cost" else "best_quality")
        if routed
        else None,
        "reason": None,
        "model": choice.model or None,
        "provider": provider(choice.model) if routed else None,
        "taskId": task_id,
        "estimatedCredits": choice.credits if routed else None,
        "pipeline": choice.pipeline,
        "emptiedBy": emptied_by,
    }
    organization.routings.append({"router": router["id"], "row": row})


def list_requests(organization: Organization, call: Call, router_id: str) -> Reply:
    """GET /v1/routers/{id}/requests, newest first."""
    if router_id not in organization.resources["routers"]:
        raise refuse("not_found")
    rows = [one["row"] for one in reversed(organization.routings) if one["router"] == router_id]
    return page(call, rows)
