import pytest
from alerts.mutation import changes
from alerts.promql import Role, Selector, labels, metrics, scaled, selectors, tokens

EXPRESSION = """
  # 5 of 7 > 3
  sum by (account, le) (increase(genmedia_x_bucket{model=~"gen4|2.5 > 3", le!="0.5"}[1h30m:15s] offset 5m))
    / on (account) group_left () genmedia:y:sum >= bool 1.5e3 and 0.5 < .25 unless up == 2
"""


def texts(role: Role) -> list[str]:
    return [token.text for token in tokens(EXPRESSION) if token.role is role]


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.NUMBER, ["1.5e3", "0.5", ".25", "2"]),
        (Role.DURATION, ["1h30m", "15s", "5m"]),
        (Role.COMPARISON, [">=", "<", "=="]),
        (Role.SET, ["and", "unless"]),
        (Role.MATCHER, ["=~", "!="]),
        (Role.STRING, ['"gen4|2.5 > 3"', '"0.5"']),
    ],
)
def test_pieces_of_an_expression_are_told_apart(role: Role, expected: list[str]) -> None:
    assert texts(role) == expected


def test_series_and_labels_are_found() -> None:
    assert metrics(EXPRESSION) == {"genmedia_x_bucket", "genmedia:y:sum", "up"}
    assert labels(EXPRESSION) == {"account", "le", "model"}


def test_selectors_have_their_matchers() -> None:
    first, *others = selectors(EXPRESSION)
    assert first == Selector("genmedia_x_bucket", (("model", "=~", "gen4|2.5 > 3"), ("le", "!=", "0.5")))
    assert [other.matchers for other in others] == [(), ()]


def test_a_token_is_replaced_where_it_stands() -> None:
    number = next(token for token in tokens("x > 1 and y > 1") if token.role is Role.NUMBER)
    assert number.replaced("x > 1 and y > 1", "2") == "x > 2 and y > 1"


def test_what_is_no_promql_is_refused() -> None:
    with pytest.raises(ValueError, match="no token at"):
        tokens("x ; y")


@pytest.mark.parametrize(
    ("duration", "factor", "expected"),
    [("1h", 0.5, "30m"), ("1d", 2, "2d"), ("15s", 0.5, "7s500ms"), ("90m", 2, "3h"), ("1h30m", 1, "1h30m")],
)
def test_durations_are_scaled(duration: str, factor: float, expected: str) -> None:
    assert scaled(duration, factor) == expected


@pytest.mark.parametrize(
    ("role", "text", "expected"),
    [
        (Role.NUMBER, "3", ("2", "4")),
        (Role.NUMBER, "600", ("540", "660")),
        (Role.NUMBER, "0.05", ("0.045", "0.055")),
        (Role.DURATION, "5m", ("2m30s", "10m")),
        (Role.COMPARISON, ">", (">=", "<")),
        (Role.SET, "unless", ("and",)),
        (Role.STRING, '"5"', ()),
        (Role.METRIC, "up", ()),
    ],
)
def test_what_is_changed_to_what(role: Role, text: str, expected: tuple[str, ...]) -> None:
    assert changes(role, text) == expected
