"""Endpoints of avatars, voices, documents, routers and uploads. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypedDict

import msgspec

from monitor.simulator.runway.api.messages import NO_CONTENT, Call, Reply, ok, page
from monitor.simulator.runway.catalog import estimate
from monitor.simulator.runway.errors import invalid, issue, refuse
from monitor.simulator.runway.platform.account import Organization
from monitor.simulator.runway.platform.tasks import timestamp

PROCESSING_SECONDS = 5.0
"""Seconds for which an avatar or a voice is PROCESSING."""

_READY_AT = "_readyAt"


class _Models(TypedDict):
    mode: Literal["allow_new_except", "allowlist_only"]
    ids: list[str]


class _RouterSettings(TypedDict, total=False):
    schemaVersion: Literal[1]
    optimizeFor: Literal["cost", "latency", "quality"]
    models: _Models
    maxCreditsPerGeneration: dict[Literal["video", "image", "audio"], int]
    fallback: dict[Literal["onCapacity"], bool]


class _Router(TypedDict, total=False):
    slug: str
    name: str
    description: str | None
    settings: _RouterSettings


class _Avatar(TypedDict, total=False):
    name: str
    personality: str
    startScript: str | None
    voice: dict[str, str]
    documentIds: list[str]


class _Voice(TypedDict, total=False):
    name: str
    description: str | None


class _Document(TypedDict, total=False):
    name: str
    content: str


FIELDS: dict[str, type] = {"avatars": _Avatar, "voices": _Voice, "documents": _Document, "routers": _Router}
"""The stored fields of each collection, which can also be changed."""

Shape = Callable[[Organization, dict[str, Any], float], dict[str, Any]]


def _add(organization: Organization, call: Call, collection: str, fields: dict[str, Any]) -> dict[str, Any]:
    created = timestamp(call.now)
    row = {"id": organization.new_id(), **fields, "createdAt": created, "updatedAt": created}
    row[_READY_AT] = call.now + PROCESSING_SECONDS
    organization.resources[collection][row["id"]] = row
    return row


def _validated(collection: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that are stored. Raises Refusal if one has a wrong type."""
    try:
        kept: dict[str, Any] = msgspec.convert(fields, FIELDS[collection])
    except msgspec.ValidationError as error:
        _, _, path = str(error).rpartition("$.")
        raise invalid([issue(path.rstrip("`"), str(error), "invalid_type")]) from None
    return kept


def _find(organization: Organization, collection: str, row_id: str) -> dict[str, Any]:
    row = organization.resources[collection].get(row_id)
    if row is None:
        raise refuse("not_found")
    return row


def _pick(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: row.get(name) for name in ("id", *names, "createdAt")}


def _status(row: dict[str, Any], now: float) -> str:
    return "READY" if now >= row[_READY_AT] else "PROCESSING"


def avatar_shape(_: Organization, row: dict[str, Any], now: float) -> dict[str, Any]:
    """Return an avatar as it is listed and read."""
    voice = row["voice"]
    known = {"name": str(voice.get("presetId")).title(), "description": "A preset voice."}
    return {
        **_pick(row, "name", "personality", "startScript", "updatedAt"),
        "documentIds": row.get("documentIds", []),
        "voice": {**voice, **(known if voice.get("type") == "runway-live-preset" else {"deleted": False})},
        "status": _status(row, now),
        "processedImageUri": None,
        "referenceImageUri": None,
    }


def voice_shape(_: Organization, row: dict[str, Any], now: float) -> dict[str, Any]:
    """Return a voice as it is listed and read."""
    status = _status(row, now)
    preview = {"previewUrl": f"https://outputs.simulator.invalid/{row['id']}"} if status == "READY" else {}
    return {**_pick(row, "name", "description"), "status": status, **preview}


def document_row(organization: Organization, row: dict[str, Any], _: float) -> dict[str, Any]:
    """Return a document as it is listed: without its content, with the avatars that use it."""
    avatars = organization.resources["avatars"].values()
    users = [avatar for avatar in avatars if row["id"] in avatar.get("documentIds", [])]
    used_by = [{"id": avatar["id"], "name": avatar["name"], "imageUrl": None} for avatar in users]
    return {**_pick(row, "name", "updatedAt"), "type": "text", "usedBy": used_by}


def document_shape(organization: Organization, row: dict[str, Any], now: float) -> dict[str, Any]:
    """Return a document as it is read."""
    return {**document_row(organization, row, now), "content": row["content"]}


def router_shape(_: Organization, row: dict[str, Any], __: float) -> dict[str, Any]:
    """Return a Model Router configuration as it is listed and read."""
    return _pick(row, "slug", "name", "description", "settings", "version", "updatedAt")


SHAPES: dict[str, tuple[Shape, Shape]] = {
    "avatars": (avatar_shape, avatar_shape),
    "voices": (voice_shape, voice_shape),
    "documents": (document_row, document_shape),
    "routers": (router_shape, router_shape),
}
"""How each collection looks in a list, and how one of its rows looks alone."""


def _collection(call: Call) -> str:
    return call.path.split("/")[2]


def list_rows(organization: Organization, call: Call, _: str) -> Reply:
    """GET of a collection."""
    collection = _collection(call)
    shape, _unused = SHAPES[collection]
    rows = [shape(organization, row, call.now) for row in organization.resources[collection].values()]
    if collection != "documents":
        return page(call, rows)
    by = "updatedAt" if call.query.get("sort") == "updatedAt" else "createdAt"
    rows.sort(key=lambda row: str(row[by]), reverse=call.query.get("order") == "desc")
    return page(call, rows, "sort", "order")


def _alone(organization: Organization, call: Call, row: dict[str, Any]) -> Reply:
    return ok(SHAPES[_collection(call)][1](organization, row, call.now))


def read_row(organization: Organization, call: Call, row_id: str) -> Reply:
    """GET of one resource."""
    return _alone(organization, call, _find(organization, _collection(call), row_id))


def delete_row(organization: Organization, call: Call, row_id: str) -> Reply:
    """DELETE of one resource. A second call is 404."""
    _find(organization, _collection(call), row_id)
    del organization.resources[_collection(call)][row_id]
    return NO_CONTENT


def change_row(organization: Organization, call: Call, row_id: str) -> Reply:
    """PATCH of one resource. An avatar that is still being processed is a 409; a changed document is a 204."""
    collection = _collection(call)
    row = _find(organization, collection, row_id)
    if collection == "avatars" and _status(row, call.now) == "PROCESSING":
        raise refuse("conflict")
    row.update(_validated(collection, call.fields))
    row["updatedAt"] = timestamp(call.now)
    if collection == "routers":
        row["version"] += 1
    if collection == "documents":
        return NO_CONTENT
    return _alone(organization, call, row)


_REQUIRED = {"avatars": ("name", "personality", "referenceImage", "voice"), "documents": ("name", "content")}


def create_row(organization: Organization, call: Call, _: str) -> Reply:
    """POST /v1/avatars, POST /v1/documents."""
    collection = _collection(call)
    fields = _validated(collection, call.require(*_REQUIRED[collection]))
    return _alone(organization, call, _add(organization, call, collection, fields))


def create_router(organization: Organization, call: Call, _: str) -> Reply:
    """POST /v1/routers."""
    fields = _validated("routers", call.require("slug"))
    settings = {"schemaVersion": 1, **fields.get("settings", {})}
    row = {"name": fields["slug"], "description": None, **fields, "settings": settings, "version": 1}
    return _alone(organization, call, _add(organization, call, "routers", row))


def create_voice(organization: Organization, call: Call, _: str) -> Reply:
    """POST /v1/voices: from text with a model, or from audio without a model."""
    model = _voice_model(call.require("name", "from")["from"])
    fields = _validated("voices", call.fields)
    if model:
        organization.admit(model, estimate(model, {}), call.now)
    return ok({"id": _add(organization, call, "voices", fields)["id"]}, model=model)


_VOICE_MODELS = ("eleven_ttv_v3", "eleven_multilingual_ttv_v2")


def _voice_model(source: Any) -> str:
    if isinstance(source, dict) and source.get("type") == "audio":
        return ""
    if isinstance(source, dict) and source.get("type") == "text" and source.get("model") in _VOICE_MODELS:
        return str(source["model"])
    raise invalid([issue("from", "Invalid discriminator value", "invalid_union_discriminator")])


def preview_voice(organization: Organization, call: Call, _: str) -> Reply:
    """POST /v1/voices/preview, which answers with the result itself."""
    model = call.require("model", "prompt")["model"]
    if model not in _VOICE_MODELS:
        raise invalid([issue("model", "Invalid enum value", "invalid_enum_value")])
    organization.admit(model, estimate(model, {}), call.now)
    url = f"https://outputs.simulator.invalid/{organization.new_id()}"
    return ok({"url": url, "durationSecs": 3.2}, model=model)


def create_upload(organization: Organization, call: Call, _: str) -> Reply:
    """POST /v1/uploads: the URL that takes the file, and the URI that names it in later requests."""
    if call.require("filename", "type")["type"] != "ephemeral":
        raise invalid([issue("type", "Invalid literal value", "invalid_literal")])
    upload_id = organization.new_id()
    url = f"http://{call.headers.get('host', '')}/_upload/{upload_id}"
    return ok({"uploadUrl": url, "fields": {"key": upload_id}, "runwayUri": f"runway://{upload_id}"})
