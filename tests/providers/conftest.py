from __future__ import annotations

import ast
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import runwayml

from monitor.providers import PROVIDERS
from monitor.providers.http import Exchange

RUNWAY = PROVIDERS["runway"]
SDK = Path(runwayml.__file__).parent
SDK_METHODS = {
    "_get": "GET",
    "_get_api_list": "GET",
    "_post": "POST",
    "_put": "PUT",
    "_patch": "PATCH",
    "_delete": "DELETE",
}

Build = Callable[..., Exchange]


def _exchange(
    method: str, path: str, body: object = b"", *, asked: Mapping[str, str] | None = None, **more: Any
) -> Exchange:
    """An exchange that ended at 1010; a `body` that is no bytes is sent as JSON."""
    return Exchange(
        account="production",
        method=method,
        path=path,
        route=RUNWAY.route(method, path),
        started_at=1000.0,
        duration_seconds=10.0,
        request_fields=asked or {},
        body=body if isinstance(body, bytes) else json.dumps(body).encode(),
        **({"status": 200} | more),
    )


@pytest.fixture(scope="session")
def exchange() -> Build:
    return _exchange


def _called_path(call: ast.Call) -> str:
    """The path of an SDK call: `"/v1/x"`, `f"/v1/x/{id}"` or `path_template("/v1/x/{id}", id=id)`."""
    first = call.args[0]
    if isinstance(first, ast.Call):
        first = first.args[0]
    if isinstance(first, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{id}" for part in first.values)
    assert isinstance(first, ast.Constant), ast.unparse(first)
    return first.value


@pytest.fixture(scope="session")
def sdk_operations() -> dict[tuple[str, str], bool]:
    """Every (method, path template) of the installed Python SDK, and whether its answer can be waited for."""
    found: dict[tuple[str, str], bool] = {}
    for source in (SDK / "resources").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SDK_METHODS:
                casts = [ast.unparse(keyword.value) for keyword in node.keywords if keyword.arg == "cast_to"]
                found[SDK_METHODS[node.func.attr], _called_path(node)] = "aitable" in "".join(casts)
    return found


@pytest.fixture(scope="session")
def sdk_models() -> frozenset[str]:
    """Every id that the installed Python SDK types as a model."""
    found: set[str] = set()
    for source in (SDK / "types").rglob("*.py"):
        for node in ast.walk(ast.parse(source.read_text())):
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == "model":
                found |= {leaf.value for leaf in ast.walk(node.annotation) if isinstance(leaf, ast.Constant)}
    return frozenset(value for value in found if isinstance(value, str))
