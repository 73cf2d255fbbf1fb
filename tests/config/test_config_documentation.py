from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import TypeAdapter, ValidationError

from monitor.config.values import AccountShape, ConfigShape
from monitor.providers import PROVIDERS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "configuration.md"
ROW = re.compile(r"^\| `([^`]+)` \| *(.*?) *\| *(.*?) *\| (.+) \|$", re.MULTILINE)
OUT_OF_RANGE = "99999d"
UNWRITTEN = dict.fromkeys(("accounts[].base_url", "accounts[].ws_url"), "the provider's")
UNWRITTEN["accounts[].proxy"] = "the environment's"
UNWRITTEN |= {"allowed_hosts": "", "gateway.allowed_origins": ""}


def keys_of(schema: type, place: str = "") -> Iterator[tuple[str, type, Field[Any]]]:
    hints = get_type_hints(schema)
    for each in fields(schema):
        if place + each.name == "accounts":
            yield from keys_of(AccountShape, "accounts[].")
            continue
        hint = hints[each.name]
        group = next(filter(is_dataclass, (hint, *get_args(hint))), None)
        if group is not None and group.__name__ != "Address":
            listed = "[]" if each.default == () else ""
            yield from keys_of(group, f"{place}{each.name}{listed}.")
        else:
            yield place + each.name, schema, each


def documented() -> dict[str, tuple[str, str, str]]:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    return {key: (default, bounds, meaning) for key, default, bounds, meaning in rows}


def bounds_of(hint: Any) -> list[tuple[str, str]]:
    """The range in the complaint about a value that is out of every one."""
    try:
        TypeAdapter(hint).validate_python(OUT_OF_RANGE)
    except ValidationError as error:
        return re.findall(r"(?:give|from) (\w+) to (\w+)$", error.errors()[0]["msg"])
    return []


def test_the_table_holds_exactly_the_keys_that_the_schema_knows() -> None:
    assert sorted(documented()) == sorted(key for key, _, _ in keys_of(ConfigShape))


def test_the_table_tells_the_defaults_that_apply() -> None:
    told = documented()
    for key, schema, each in keys_of(ConfigShape):
        default = told[key][0]
        if key in UNWRITTEN:
            assert default == UNWRITTEN[key]
        elif each.default in {None, MISSING}:
            assert default == ""
        else:
            hint = get_type_hints(schema, include_extras=True)[each.name]
            assert TypeAdapter(hint).validate_python(default.strip("`")) == each.default


def test_the_table_tells_the_range_that_applies() -> None:
    told = documented()
    for key, schema, each in keys_of(ConfigShape):
        hint = get_type_hints(schema, include_extras=True)[each.name]
        assert (key, re.findall(r"`(\w+)` to `(\w+)`", told[key][1])) == (key, bounds_of(hint))


def test_the_table_names_every_provider() -> None:
    assert re.findall(r"`(\w+)`", documented()["accounts[].provider"][2]) == list(PROVIDERS)
