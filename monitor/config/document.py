"""YAML text to plain data: mappings, lists and text.

No scalar is given a type here, because YAML 1.1 reads `12:30` as a number and `on` as a truth; the schema knows what
each key holds. Anchors and merge keys work.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any

import yaml

from monitor.errors import ConfigError
from monitor.logs import redact


class _Loader(yaml.SafeLoader):
    """A safe loader that leaves scalars as text and notes repeated keys."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.faults: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self._note_repeats(node)
        return super().construct_mapping(node, deep=deep)

    def _note_repeats(self, node: yaml.MappingNode) -> None:
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                mark = key.start_mark
                self.faults.append(f"line {mark.line + 1}, column {mark.column + 1}: repeated key; keep one of them")
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)


_Loader.yaml_implicit_resolvers = {"<": [("tag:yaml.org,2002:merge", re.compile("<<"))]}


def parse_document(text: str) -> dict[str, Any]:
    """The document as plain data; an empty one is an empty mapping.

    Raises:
        ConfigError: the text is not YAML, repeats a key or is no mapping. The text itself is never quoted.
    """
    loader = None
    try:
        loader = _Loader(text)
        data = loader.get_single_data()
    except yaml.YAMLError as error:
        raise ConfigError([*(loader.faults if loader else ()), _describe(error)]) from None
    except (ValueError, RecursionError):
        raise ConfigError(["the file holds a tag or a nesting that cannot be read; use plain YAML"]) from None
    if loader.faults:
        raise ConfigError(loader.faults)
    if data is None or data == "":
        return {}
    if not isinstance(data, dict):
        raise ConfigError(["the file is not a mapping; start with a key, such as 'accounts:'"])
    return data


def _describe(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    return f"{place}YAML syntax error: {redact(problem)}"
