"""Every endpoint of the API, and how a call finds its endpoint: key, version, path, method. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from monitor.simulator.runway.api import account_reads, generations, model_router, realtime, resources
from monitor.simulator.runway.api.messages import Call, Reply
from monitor.simulator.runway.catalog import CREATIONS
from monitor.simulator.runway.errors import Refusal, refuse
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.accounts import KeyState, Platform
from monitor.simulator.shared.requests import Kind, bearer_token

API_VERSION = "2024-11-06"
WEB_APP_HOST = "api.runwayml.com"
Handler = Callable[[Organization, Call, str], Reply]


class Endpoint(NamedTuple):
    """A method on a path template."""

    kind: Kind
    answer: Handler


OTHER = "other"
"""The template of an unknown path."""

CONSUME = "/v1/realtime_sessions/{id}/consume"
ROUTES: dict[str, dict[str, Endpoint]] = {
    **{path: {"POST": Endpoint(Kind.CREATE, generations.create)} for path in CREATIONS},
    "/v1/recipes/{name}": {"POST": Endpoint(Kind.CREATE, generations.create_recipe)},
    "/v1/tasks/{id}": {
        "GET": Endpoint(Kind.POLL, generations.read_task),
        "DELETE": Endpoint(Kind.DELETE, generations.delete_task),
    },
    "/v1/workflows": {"GET": Endpoint(Kind.OTHER, generations.list_workflows)},
    "/v1/workflows/{id}": {
        "GET": Endpoint(Kind.OTHER, generations.read_workflow),
        "POST": Endpoint(Kind.CREATE, generations.run_workflow),
    },
    "/v1/workflow_invocations/{id}": {"GET": Endpoint(Kind.POLL, generations.read_invocation)},
    "/v1/realtime_sessions": {"POST": Endpoint(Kind.CREATE, realtime.create_session)},
    "/v1/realtime_sessions/{id}": {
        "GET": Endpoint(Kind.POLL, realtime.read_session),
        "DELETE": Endpoint(Kind.DELETE, realtime.delete_session),
    },
    CONSUME: {"POST": Endpoint(Kind.OTHER, realtime.consume_session)},
    "/v1/avatar_conversations": {"GET": Endpoint(Kind.OTHER, realtime.list_conversations)},
    "/v1/avatar_conversations/{id}": {
        "GET": Endpoint(Kind.OTHER, realtime.read_conversation),
        "DELETE": Endpoint(Kind.DELETE, realtime.delete_conversation),
    },
    "/v1/avatar_usage": {"GET": Endpoint(Kind.ACCOUNT, realtime.read_avatar_usage)},
    "/v1/organization": {"GET": Endpoint(Kind.ACCOUNT, account_reads.read_organization)},
    "/v1/organization/usage": {"POST": Endpoint(Kind.ACCOUNT, account_reads.read_usage)},
    "/v1/organization/webapp/usage": {"GET": Endpoint(Kind.ACCOUNT, account_reads.list_webapp_usage)},
    "/v1/organization/webapp/audit_logs": {"GET": Endpoint(Kind.OTHER, account_reads.list_audit_logs)},
    "/v1/organization/webapp/audit_logs/{id}": {"GET": Endpoint(Kind.OTHER, account_reads.read_audit_log)},
    "/v1/voices/preview": {"POST": Endpoint(Kind.CREATE, resources.preview_voice)},
    "/v1/routers/{id}/requests": {"GET": Endpoint(Kind.OTHER, model_router.list_requests)},
    "/v1/uploads": {"POST": Endpoint(Kind.OTHER, resources.create_upload)},
}
_CREATE: Mapping[str, Endpoint] = {
    "avatars": Endpoint(Kind.CREATE, resources.create_row),
    "voices": Endpoint(Kind.CREATE, resources.create_voice),
    "documents": Endpoint(Kind.OTHER, resources.create_row),
    "routers": Endpoint(Kind.OTHER, resources.create_router),
}
for _name, _create in _CREATE.items():
    ROUTES[f"/v1/{_name}"] = {"GET": Endpoint(Kind.OTHER, resources.list_rows), "POST": _create}
    ROUTES[f"/v1/{_name}/{{id}}"] = {
        "GET": Endpoint(Kind.OTHER, resources.read_row),
        "PATCH": Endpoint(Kind.OTHER, resources.change_row),
        "DELETE": Endpoint(Kind.DELETE, resources.delete_row),
    }
for _modality in ("video", "image", "audio"):
    ROUTES[f"/v1/generate/{_modality}"] = {"POST": Endpoint(Kind.CREATE, model_router.generate)}


class Match(NamedTuple):
    """The result of matching a method and a path. `endpoint` is None if the path or the method is unknown."""

    template: str
    variable: str
    endpoint: Endpoint | None

    @property
    def kind(self) -> Kind:
        return self.endpoint.kind if self.endpoint else Kind.OTHER


_WITHOUT_NAMES = {template.replace("{name}", "{id}"): template for template in ROUTES}


def match(method: str, path: str) -> Match:
    """Find the endpoint of a method and a path.

    `variable` is the segment that stands for `{id}` or `{name}`. If the template has none, it is the last segment.
    """
    parts = path.split("/")
    for position in (None, 3, len(parts) - 1):
        if position is not None and position >= len(parts):
            continue
        tried = parts if position is None else [*parts[:position], "{id}", *parts[position + 1 :]]
        template = _WITHOUT_NAMES.get("/".join(tried))
        if template is not None and "" not in parts[1:]:
            variable = parts[-1] if position is None else parts[position]
            return Match(template, variable, ROUTES[template].get(method))
    return Match(OTHER, "", None)


def owner(platform: Platform, call: Call, found: Match) -> Organization | None:
    """Return the organization that a call belongs to, whatever the state of the key.

    A realtime session's own key belongs to the organization of the session.
    """
    organization = platform.owner(bearer_token(call.headers))
    if organization is not None or found.template != CONSUME:
        return organization
    return next((one for one in platform.accounts.values() if found.variable in one.sessions), None)


def handle(platform: Platform, call: Call) -> Reply:
    """Answer a call as Runway would."""
    try:
        return _answer(platform, call)
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body, reason=refusal.reason)


def _answer(platform: Platform, call: Call) -> Reply:
    found = match(call.method, call.path)
    if found.template != CONSUME:
        _authenticate(platform, call)
    organization = owner(platform, call, found)
    if organization is None:
        raise refuse("unauthorized")
    if found.template == OTHER:
        raise refuse("not_found")
    if found.endpoint is None:
        raise refuse("wrong_method")
    organization.advance(call.now)
    return found.endpoint.answer(organization, call, found.variable)


def _authenticate(platform: Platform, call: Call) -> None:
    key = platform.key(bearer_token(call.headers))
    is_web_app = call.headers.get("host", "").partition(":")[0] == WEB_APP_HOST
    if is_web_app or (key is not None and key.state is KeyState.WRONG_HOST):
        raise refuse("wrong_host", details="This API key is for use with api.dev.runwayml.com.")
    if key is None or key.state is KeyState.REVOKED:
        raise refuse("unauthorized")
    if call.headers.get("x-runway-version") != API_VERSION:
        raise refuse("wrong_version")
