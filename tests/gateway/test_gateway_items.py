import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.gateway.observe.json_fields import LONGEST_ITEM_STRING, MOST_ITEMS, ItemScanner

FIELDS = ("taskType", "taskUUID", "numberResults", "inner.flag", "webhookURL?")
CHUNK = 64 * 1024


def scan(body: bytes, chunk: int = CHUNK) -> list[dict[str, str]]:
    scanner = ItemScanner(FIELDS)
    for start in range(0, len(body), chunk):
        if not scanner.wants_more:
            break
        scanner.feed(body[start : start + chunk])
    return scanner.items


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("body", "items"),
    [
        ('[{"taskType":"ping","ping":true}]', [{"taskType": "ping"}]),
        (' [ { "taskType" : "a" } , { "taskType" : "b" , "numberResults" : 4 } ] ',
         [{"taskType": "a"}, {"taskType": "b", "numberResults": "4"}]),
        ('[{"numberResults":12},{"numberResults":1.5e3},{"numberResults":-1}]',
         [{"numberResults": "12"}, {"numberResults": "1.5e3"}, {"numberResults": "-1"}]),
        ('[{"inner":{"flag":true,"taskType":"no"}},{"inner":{"flag":false}}]',
         [{"inner.flag": "true"}, {"inner.flag": "false"}]),
        ('{"taskType":"alone","numberResults":2}', [{"taskType": "alone", "numberResults": "2"}]),
        ('[{"taskType":null,"numberResults":[3],"taskUUID":{"taskUUID":"x"}}]', [{}]),
        ('[{},5,"taskType",[{"taskType":"deep"}],{"taskType":"last"}]', [{}, {"taskType": "last"}]),
        ('[{"taskType":"authentication","apiKey":"SECRET"}]', [{"taskType": "authentication"}]),
        ('[{"x":"{\\"taskType\\":\\"no\\"}","taskType":"yes"}]', [{"taskType": "yes"}]),
        ('[{"webhookURL":"https://SECRET","taskType":"a"},{"webhookURL":"","taskType":"b"},{"webhookURL":null}]',
         [{"webhookURL": "true", "taskType": "a"}, {"taskType": "b"}, {}]),
        ('[{"webhookURL":"\\"","taskType":"a"}]', [{"webhookURL": "true", "taskType": "a"}]),
        ('[{"webhookURL":"' + "x" * 3000 + '","taskType":"a"}]', [{"webhookURL": "true", "taskType": "a"}]),
        ("[]", []),
        ("", []),
        ("not json", []),
        ('"taskType"', []),
        ('[{"taskType":"cut', [{}]),
    ],
)  # fmt: skip
def test_the_fields_of_every_element_are_found(body: str, items: list[dict[str, str]], chunk: int) -> None:
    assert scan(body.encode(), chunk) == items


def test_megabytes_between_the_fields_are_not_held() -> None:
    scanner = ItemScanner(FIELDS)
    scanner.feed(b'[{"taskType":"a","seedImage":"')
    tracemalloc.start()
    for _ in range(640):
        scanner.feed(b"QUJD" * (CHUNK // 4))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    scanner.feed(b'"},{"taskType":"b"}]')
    assert scanner.items == [{"taskType": "a"}, {"taskType": "b"}]
    assert peak < 4 * CHUNK


def test_what_is_kept_of_an_array_is_bounded() -> None:
    body = json.dumps([{"taskType": "x" * (LONGEST_ITEM_STRING + 1), "taskUUID": "u"}] * (MOST_ITEMS + 50)).encode()
    items = scan(body)
    assert len(items) <= MOST_ITEMS
    assert items[0] == {"taskUUID": "u"}


VALUES = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.text(max_size=6) | st.just("taskType")
JSON = st.recursive(
    VALUES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["taskType", "inner", "flag", '"']), inner)
    ),
    max_leaves=12,
)


def wanted(element: dict[str, object]) -> dict[str, str]:
    """By a whole parse: what stands under the fields."""
    inner = element["inner"] if isinstance(element.get("inner"), dict) else {}
    found = {"taskType": element.get("taskType"), "inner.flag": inner.get("flag")}  # type: ignore[union-attr]
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in found.items()}
    return {name: text for name, text in texts.items() if text and not isinstance(found[name], list | dict | None)}


@given(st.lists(JSON, max_size=4), st.integers(1, 40), st.sampled_from([None, 1]))
def test_any_array_gives_what_a_whole_parse_gives(document: list[object], chunk: int, indent: int | None) -> None:
    body = json.dumps(document, indent=indent).encode()
    assert scan(body, chunk) == [wanted(element) for element in document if isinstance(element, dict)]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_scanned_without_a_fault(body: bytes, chunk: int) -> None:
    scan(b"[{" + body, chunk)
