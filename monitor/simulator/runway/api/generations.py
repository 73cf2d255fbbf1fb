"""Endpoints that create, poll and cancel generations of single models, recipes and workflows. Pure."""

from __future__ import annotations

import re
from typing import Any

from monitor.simulator.runway.api.messages import Call, Reply, ok
from monitor.simulator.runway.catalog import (
    CREATIONS,
    RECIPE_REQUIRED,
    RECIPE_VERSIONS,
    RECIPES,
    REQUIRED_BY_MODEL,
    estimate,
)
from monitor.simulator.runway.errors import invalid, issue, refuse
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.tasks import WORKFLOW, Task, invocation_document, task_document, timestamp

_LONGEST_SECONDS = 3_600
_MOST_OUTPUTS = 10
_RATIO = re.compile(r"\d+:\d+|auto\w*")


def create(organization: Organization, call: Call, _: str) -> Reply:
    """POST to an endpoint of `CREATIONS`."""
    creation = CREATIONS[call.path]
    model = call.require("model").get("model")
    if model not in creation.models:
        raise invalid([issue("model", "Invalid discriminator value", "invalid_union_discriminator")])
    fields = call.require(*creation.required, *REQUIRED_BY_MODEL.get(model, ()))
    check_values(fields)
    task = organization.submit(model, _billed_as(model, fields), call.path, estimate(model, fields), call.now)
    return _created(task, costed=call.path != "/v1/avatar_videos")


def create_recipe(organization: Organization, call: Call, name: str) -> Reply:
    """POST /v1/recipes/{name}."""
    if name not in RECIPES:
        raise refuse("not_found")
    fields = call.require("version", *RECIPE_REQUIRED[name])
    if fields["version"] not in RECIPE_VERSIONS[name]:
        raise invalid([issue("version", "Invalid enum value", "invalid_enum_value")])
    check_values(fields)
    return _created(organization.submit(name, name, "/v1/recipes/{name}", estimate(name, fields), call.now))


def _created(task: Task, *, costed: bool = True) -> Reply:
    cost = {"estimatedCost": {"credits": task.estimate}} if costed else {}
    return ok({"id": task.id, **cost}, model=task.model, task=task.id, task_status="CREATED")


def _billed_as(model: str, fields: dict[str, Any]) -> str:
    """Return the model that is billed. Avatar videos are billed under two other ids, by what drives the speech."""
    if model != "gwm1_avatars":
        return model
    speech = fields["speech"]
    kind = speech.get("type") if isinstance(speech, dict) else None
    if kind not in {"text", "audio"}:
        raise invalid([issue("speech", "Invalid discriminator value", "invalid_union_discriminator")])
    return f"gwm1_avatar_async_{kind}_to_video"


def check_values(fields: dict[str, Any]) -> None:
    """Check the ratio, the duration, the number of outputs and the prompt.

    Raises:
        Refusal: one of them has an impossible value.
    """
    faults = []
    ratio, prompt = fields.get("ratio"), fields.get("promptText", "")
    if ratio is not None and not (isinstance(ratio, str) and _RATIO.fullmatch(ratio)):
        faults.append(issue("ratio", "Invalid ratio", "invalid_enum_value"))
    for name, most in (("duration", _LONGEST_SECONDS), ("outputCount", _MOST_OUTPUTS)):
        value = fields.get(name)
        if value not in (None, "auto") and not (isinstance(value, int | float) and 0 < value <= most):
            faults.append(issue(name, f"Expected a number above 0 and up to {most}", "invalid_type"))
    if not isinstance(prompt, str):
        faults.append(issue("promptText", "Expected string", "invalid_type"))
    if faults:
        raise invalid(faults)


def _find(organization: Organization, task_id: str, *, workflow: bool) -> Task:
    task = organization.tasks.get(task_id)
    if task is None or task.gone or task.is_workflow != workflow:
        raise refuse("not_found")
    return task


def read_task(organization: Organization, call: Call, task_id: str) -> Reply:
    """GET /v1/tasks/{id}."""
    task = _find(organization, task_id, workflow=False)
    if call.now < task.submitted_at + organization.settings.visible_after:
        raise refuse("not_found")
    return _shown(task, task_document(task, call.now))


def read_invocation(organization: Organization, call: Call, invocation_id: str) -> Reply:
    """GET /v1/workflow_invocations/{id}."""
    task = _find(organization, invocation_id, workflow=True)
    return _shown(task, invocation_document(task, call.now))


def _shown(task: Task, document: dict[str, Any]) -> Reply:
    task.shown = task.status.value
    return ok(document, model=task.model, task=task.id, task_status=task.status.value)


def delete_task(organization: Organization, call: Call, task_id: str) -> Reply:
    """DELETE /v1/tasks/{id}: cancels an open task, deletes a finished one. A second call is 404."""
    task = _find(organization, task_id, workflow=False)
    if task.status == "CANCELLED":
        raise refuse("not_found")
    organization.cancel(task, call.now)
    return Reply(204, model=task.model, task=task.id, task_status=task.status.value)


WORKFLOW_MODEL = "gen4_image"
"""The model that the simulated workflow runs, and is billed as."""


def list_workflows(organization: Organization, _: Call, __: str) -> Reply:
    """GET /v1/workflows, which is not paged."""
    version = {"id": organization.workflow_id, "createdAt": timestamp(organization.created_at), "version": 1}
    return ok({"data": [{"name": "Simulated workflow", "versions": [version]}]})


def read_workflow(organization: Organization, _: Call, workflow_id: str) -> Reply:
    """GET /v1/workflows/{id}."""
    _check_workflow(organization, workflow_id)
    created = timestamp(organization.created_at)
    graph: dict[str, Any] = {"version": 1, "nodes": [], "edges": []}
    head = {"id": workflow_id, "name": "Simulated workflow", "description": None, "version": 1}
    return ok({**head, "createdAt": created, "updatedAt": created, "graph": graph})


def run_workflow(organization: Organization, call: Call, workflow_id: str) -> Reply:
    """POST /v1/workflows/{id}."""
    _check_workflow(organization, workflow_id)
    check_values(call.fields)
    cost = estimate(WORKFLOW_MODEL, call.fields)
    task = organization.submit(WORKFLOW, WORKFLOW_MODEL, "/v1/workflows/{id}", cost, call.now)
    return _created(task, costed=False)


def _check_workflow(organization: Organization, workflow_id: str) -> None:
    if workflow_id != organization.workflow_id:
        raise refuse("not_found")
