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
from monitor.runtime.logs import redact

MOST_VALUES = 100_000
"""How many values a document may hold once its aliases are written out."""
MERGE = "tag:yaml.org,2002:merge"
TEXT = "tag:yaml.org,2002:str"
LIST = "tag:yaml.org,2002:seq"
GROUP = "tag:yaml.org,2002:map"


class _Loader(yaml.SafeLoader):
    """A safe loader that leaves scalars as text and notes keys that cannot be used."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.faults: list[str] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        self._drop_bad_keys(node)
        return super().construct_mapping(node, deep=deep)

    def _drop_bad_keys(self, node: yaml.MappingNode) -> None:
        known: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._note(key, "the key is a group or a list; put quotes around a value that begins with a brace")
            elif key.value in known:
                self._note(key, "repeated key; keep one of them")
            else:
                known[key.value] = (key, value)
        node.value = list(known.values())

    def _note(self, key: yaml.Node, fault: str) -> None:
        self.faults.append(f"{_place(key.start_mark)}{fault}")


# Tags that give a type, such as `!!timestamp`, are refused like any other tag.
_Loader.yaml_implicit_resolvers = {"<": [(MERGE, re.compile("<<"))]}
_Loader.yaml_constructors = {
    tag: make for tag, make in yaml.SafeLoader.yaml_constructors.items() if tag in {TEXT, LIST, GROUP, None}
}


def parse_document(text: str) -> dict[str, Any]:
    """The document as plain data; an empty one is an empty mapping.

    Raises:
        ConfigError: the text is not YAML, is too large, has a key that is repeated or no text, or is no mapping. The
            text itself is never quoted.
    """
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        _check_size(node)
        data = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        raise ConfigError([*(loader.faults if loader else ()), _describe(error)]) from None
    except RecursionError:
        raise ConfigError(["the file is nested too deeply; use fewer levels"]) from None
    if loader.faults:
        raise ConfigError(loader.faults)
    if data is None or data == "":
        return {}
    if not isinstance(data, dict):
        raise ConfigError(["the file is not a mapping; start with a key, such as 'accounts:'"])
    return data


def _check_size(root: yaml.Node | None) -> None:
    """Refuse a document that its aliases make endless or huge, before anybody writes them out."""
    sizes: dict[int, int | None] = {}

    def size(node: yaml.Node) -> int:
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) not in sizes:
            sizes[id(node)] = None
            parts = (
                node.value if isinstance(node, yaml.SequenceNode) else [each for pair in node.value for each in pair]
            )
            sizes[id(node)] = 1 + sum(map(size, parts))
        total = sizes[id(node)]
        if total is None:
            raise ConfigError([f"{_place(node.start_mark)}an alias inside of what it stands for; write it out"])
        if total > MOST_VALUES:
            raise ConfigError([f"{_place(node.start_mark)}more than {MOST_VALUES} values; use fewer aliases"])
        return total

    if root is not None:
        size(root)


def _describe(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "not YAML"
    return f"{_place(getattr(error, 'problem_mark', None))}YAML syntax error: {redact(problem)}"


def _place(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
