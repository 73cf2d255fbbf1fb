"""PromQL cut into tokens, as far as changing and checking expressions needs it: strings, comments and label lists are
told apart from numbers, durations, operators and names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto


class Role(Enum):
    """What a token is."""

    METRIC = auto()
    LABEL = auto()
    STRING = auto()
    NUMBER = auto()
    DURATION = auto()
    COMPARISON = auto()
    MATCHER = auto()
    SET = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of an expression and where it starts in it."""

    role: Role
    text: str
    start: int

    def replaced(self, expression: str, text: str) -> str:
        """The expression with another text in this token's place."""
        return expression[: self.start] + text + expression[self.start + len(self.text) :]


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric and the matchers asked of it: label, operator, value."""

    metric: str
    matchers: tuple[tuple[str, str, str], ...]


PIECE = re.compile(
    r"""(?P<skip>\s+|\#[^\n]*)
      | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
      | (?P<duration>(?:\d+(?:ms|[smhdwy]))+(?![A-Za-z_]))
      | (?P<number>(?:0x[0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)(?![A-Za-z_:]))
      | (?P<name>[A-Za-z_][A-Za-z0-9_:]*)
      | (?P<operator>=~|!~|==|!=|<=|>=|[-+*/%^<>=(){}\[\],:@])""",
    re.VERBOSE,
)
COMPARISONS = frozenset({"==", "!=", "<=", ">=", "<", ">"})
SETS = frozenset({"and", "or", "unless"})
LABEL_LISTS = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
WORDS = SETS | LABEL_LISTS | {"offset", "bool", "atan2", "start", "end", "inf", "nan"}


def tokens(expression: str) -> list[Token]:
    """All tokens in their order, without blanks and comments.

    Raises:
        ValueError: A character that begins no token.
    """
    pieces = list(_pieces(expression))
    return list(_with_roles(pieces))


def _pieces(expression: str) -> Iterator[tuple[str, str, int]]:
    at = 0
    while at < len(expression):
        found = PIECE.match(expression, at)
        if found is None:
            raise ValueError(f"no token at {expression[at : at + 20]!r} in {expression!r}")
        if found.lastgroup != "skip":
            yield str(found.lastgroup), found[0], at
        at = found.end()


def _with_roles(pieces: list[tuple[str, str, int]]) -> Iterator[Token]:
    closers: list[str] = []
    for index, (kind, text, start) in enumerate(pieces):
        before = pieces[index - 1][1] if index else ""
        after = pieces[index + 1][1] if index + 1 < len(pieces) else ""
        if text == "{" or (text == "(" and before.lower() in LABEL_LISTS):
            closers.append("labels")
        elif text == "(":
            closers.append("expression")
        elif text in {")", "}"}:
            closers.pop()
        inside_labels = bool(closers) and closers[-1] == "labels"
        yield Token(_role(kind, text, after, inside_labels=inside_labels), text, start)


def _role(kind: str, text: str, after: str, *, inside_labels: bool) -> Role:
    if kind == "name":
        return _name_role(text, after, inside_labels=inside_labels)
    if kind == "operator":
        if inside_labels:
            return Role.MATCHER if text in {"=", "!=", "=~", "!~"} else Role.OTHER
        return Role.COMPARISON if text in COMPARISONS else Role.OTHER
    return {"string": Role.STRING, "number": Role.NUMBER, "duration": Role.DURATION}[kind]


def _name_role(text: str, after: str, *, inside_labels: bool) -> Role:
    if inside_labels:
        return Role.LABEL
    if text.lower() in SETS:
        return Role.SET
    if text.lower() in WORDS or after == "(" or after.lower() in {"by", "without"}:
        return Role.OTHER
    return Role.METRIC


def metrics(expression: str) -> set[str]:
    """Every series name that an expression reads."""
    return {token.text for token in tokens(expression) if token.role is Role.METRIC}


def labels(expression: str) -> set[str]:
    """Every label name that an expression matches, groups or joins by."""
    return {token.text for token in tokens(expression) if token.role is Role.LABEL}


def selectors(expression: str) -> Iterator[Selector]:
    """Every series selector with its matchers."""
    found = tokens(expression)
    for index, token in enumerate(found):
        if token.role is Role.METRIC:
            yield Selector(token.text, tuple(_matchers(found[index + 1 :])))


def _matchers(following: list[Token]) -> Iterator[tuple[str, str, str]]:
    if not following or following[0].text != "{":
        return
    for index, token in enumerate(following):
        if token.text == "}":
            return
        if token.role is Role.MATCHER:
            yield following[index - 1].text, token.text, following[index + 1].text[1:-1]


def durations(expression: str) -> list[Token]:
    """The ranges, offsets and resolutions in an expression."""
    return [token for token in tokens(expression) if token.role is Role.DURATION]


UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000, "y": 31_536_000_000}


def milliseconds(duration: str) -> int:
    """A duration as Prometheus writes it, such as 1h30m."""
    return sum(int(count) * UNITS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))


def scaled(duration: str, factor: float) -> str:
    """The duration times a factor, in the largest units that give it exactly."""
    left = round(milliseconds(duration) * factor)
    parts = []
    for unit in ("d", "h", "m", "s", "ms"):
        count, left = divmod(left, UNITS[unit])
        parts.append(f"{count}{unit}" if count else "")
    return "".join(parts) or "0s"
