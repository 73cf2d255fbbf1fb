import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.gateway.observe.json_fields import LONGEST_STRING, SCANNED_BYTES, FieldScanner

CHUNK = 64 * 1024


def scan(body: bytes, *fields: str, chunk: int = CHUNK) -> FieldScanner:
    scanner = FieldScanner(fields or ("model",))
    for start in range(0, len(body), chunk):
        if not scanner.wants_more:
            break
        scanner.feed(body[start : start + chunk])
    return scanner


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize(
    ("body", "fields", "found"),
    [
        ('{"model":"gen4.5"}', ("model",), {"model": "gen4.5"}),
        (' \n{ "a" : 1 , "model" : "gen4.5" }', ("model",), {"model": "gen4.5"}),
        ('{"a":{"model":"inner"},"model":"outer"}', ("model",), {"model": "outer"}),
        ('{"a":[{"model":"inner"}],"b":[["model"]],"model":"outer"}', ("model",), {"model": "outer"}),
        ('{"a":"model","b":"\\"model\\":\\"x\\"","model":"real"}', ("model",), {"model": "real"}),
        ('{"a":"\\\\","model":"real"}', ("model",), {"model": "real"}),
        ('{"a":"\\\\\\"","model":"real"}', ("model",), {"model": "real"}),
        ('{"mod\\u0065l":"g\\u00e9n\\n"}', ("model",), {"model": "gén\n"}),
        ('{"model":"caf\u00e9 \U0001f600"}', ("model",), {"model": "café \U0001f600"}),
        ('{"from":{"type":"text","model":"tts"}}', ("model", "from.model"), {"from.model": "tts"}),
        ('{"from":{"x":{"model":1}},"model":"m"}', ("from.model", "model"), {"model": "m"}),
        ('{"from":{"model":"f"},"model":"m"}', ("model", "from.model"), {"model": "m", "from.model": "f"}),
        ('{"model":"m","from":{"model":"f"}}', ("model", "from.model"), {"model": "m"}),
        ('{"from.model":"no","from":[{"model":"no"}]}', ("from.model",), {}),
        ('{"a":{"b":{"c":"deep","d":1}}}', ("a.b.c",), {"a.b.c": "deep"}),
        ('{"model":1}', ("model",), {}),
        ('{"model":null,"x":["model","a"]}', ("model",), {}),
        ('{"model":["a"]}', ("model",), {}),
        ('{"model":{"model":"a"}}', ("model",), {}),
        ('{"model":""}', ("model",), {}),
        ("{}", ("model",), {}),
        ('[{"model":"a"}]', ("model",), {}),
        ('"model"', ("model",), {}),
        ("model=gen4", ("model",), {}),
        ('--boundary\r\n\r\n{"model":"a"}', ("model",), {}),
        ('{}{"model":"a"}', ("model",), {}),
        ('}{"model":"a"}', ("model",), {}),
        ('{"model', ("model",), {}),
        ('{"model":"gen4', ("model",), {}),
        ('{"model":"\\ud8"}', ("model",), {}),
        ("", ("model",), {}),
    ],
)
def test_strings_are_found_wherever_the_chunks_end(
    body: str, fields: tuple[str, ...], found: dict[str, str], chunk: int
) -> None:
    assert scan(body.encode(), *fields, chunk=chunk).found == found


def test_bytes_that_are_no_utf8_give_nothing() -> None:
    assert scan(b'{"model":"\xff\xfe"}').found == {}


def test_scanning_ends_when_the_best_is_found_or_the_document_does() -> None:
    assert not scan(b'{"model":"a"').wants_more
    assert scan(b'{"from":{"model":"a"}', "model", "from.model").wants_more
    assert not scan(b'{"x":1}').wants_more
    assert not scan(b"PNG\x00").wants_more
    assert scan(b'  \r\n {"x":').wants_more


def test_a_model_just_within_16_mib_is_found_and_one_beyond_is_not() -> None:
    tail = b'","model":"gen4.5"}'
    head = b'{"promptImage":"'
    fits = SCANNED_BYTES - len(head) - len(tail)
    assert scan(head + b"A" * fits + tail).found == {"model": "gen4.5"}
    beyond = scan(head + b"A" * (fits + len(tail)) + tail)
    assert beyond.found == {}
    assert not beyond.wants_more


def test_a_huge_string_is_not_held() -> None:
    chunk = b"A" * CHUNK
    scanner = FieldScanner(("model",))
    scanner.feed(b'{"promptImage":"')
    tracemalloc.start()
    for _ in range(200):
        scanner.feed(chunk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    scanner.feed(b'","model":"gen4.5"}')
    assert peak < 4 * CHUNK
    assert scanner.found == {"model": "gen4.5"}


@pytest.mark.parametrize("place", ["key", "value"])
def test_a_string_too_long_to_be_a_model_is_not_held(place: str) -> None:
    long = "x" * (LONGEST_STRING + 1)
    body = f'{{"{long}":1,"model":"a"}}' if place == "key" else f'{{"model":"{long}","x":"model"}}'
    for chunk in (100, CHUNK):
        assert scan(body.encode(), chunk=chunk).found == ({"model": "a"} if place == "key" else {})


def test_a_body_of_brackets_ends_the_scan_soon() -> None:
    scanner = scan(b'{"a":' + b"[" * 1_000_000)
    assert not scanner.wants_more
    assert scanner.found == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["model", "from", '"', "\\"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["model", "from", "x", '"', "\\"]), inner, max_size=4)
    ),
    max_leaves=15,
)


def expected(document: object) -> dict[str, str]:
    """By a whole parse: what stands under both paths."""
    outer = document if isinstance(document, dict) else {}
    inner = outer["from"] if isinstance(outer.get("from"), dict) else {}
    at = {"model": outer.get("model"), "from.model": inner.get("model")}
    return {path: value for path, value in at.items() if isinstance(value, str) and value}


@given(JSON, st.integers(1, 40), st.booleans(), st.sampled_from([None, 1]))
def test_any_document_gives_what_a_whole_parse_gives(
    document: object, chunk: int, ascii_only: bool, indent: int | None
) -> None:
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    found = scan(body, "model", "from.model", chunk=chunk).found
    whole = expected(document)
    if "model" in whole:
        assert found["model"] == whole["model"]
        assert found.items() <= whole.items()
    else:
        assert found == whole


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_bytes_are_scanned_without_a_fault(body: bytes, chunk: int) -> None:
    scan(b"{" + body, "model", "from.model", chunk=chunk)


@given(
    st.lists(
        st.sampled_from([b"{", b"}", b"[", b"]", b'"', b",", b":", b"\\", b'"model"', b'"from"', b'"a"', b" "]),
        max_size=40,
    ).map(b"".join),
    st.integers(1, 9),
)
def test_broken_json_is_scanned_without_a_fault(body: bytes, chunk: int) -> None:
    scan(b"{" + body, "model", "from.model", chunk=chunk)
