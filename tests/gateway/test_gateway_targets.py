import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire import account, answers, between, get, post, reply, split, vendor

from monitor.gateway.refusal import Refused
from monitor.gateway.target import Target, parse_target

AS_THEY_COME = [
    "/v1/tasks/17f20503-6c24-4c16-946b-35dbbce2af2f",
    "/v1/tasks?limit=10&cursor=a%2Fb",
    "/v1/x?",
    '/v1/x?a=%zz&b=+ &c=[]|{}"<>^`'.replace(" ", ""),
    "/v1/%7Euser/%e2%82%ac/a%2Fb/A%2fB",
    "/v1//double//slash/",
    "//v1/tasks/17f20503-6c24-4c16-946b-35dbbce2af2f",
    "///v1//tasks/",
    "/%2Fv1/tasks",
    "//",
    "/v1/a;b=c,d:e@f!$&'()*+,=~-._",
    "/@evil.invalid/x",
    "/:80/x",
    "/v1/gen4.5/..hidden/...",
    "/v1/x?next=http://evil.invalid/../a\\b//c",
    "/v1/%252e%252e/x",
    "/http://evil.invalid/",
    "/",
]


@pytest.mark.parametrize("base", ["/runway/", "/runway//"])
async def test_a_base_url_with_a_slash_at_its_end_is_observed_like_any_other(base: str) -> None:
    created = b'{"id":"17f20503-6c24-4c16-946b-35dbbce2af2f"}'
    async with between(answers(reply(created))) as (front, vendor):
        await front.ask(post(b'{"model":"gen4.5"}', path=f"{base}/v1/text_to_video"))
        assert vendor.calls[0].lines[0] == f"POST {base.removeprefix('/runway')}/v1/text_to_video HTTP/1.1".encode()
        assert [(seen.endpoint, seen.model) for seen in front.sink.requests] == [("/v1/text_to_video", "gen4.5")]
        assert [task.model for task in front.sink.tasks] == ["gen4.5"]


@pytest.mark.parametrize("path", AS_THEY_COME)
async def test_a_path_and_query_reach_the_vendor_as_they_came(path: str) -> None:
    async with between(answers(reply(b""))) as (front, vendor):
        await front.ask(get("/runway" + path))
    assert vendor.calls[0].lines[0] == f"GET {path} HTTP/1.1".encode()


async def test_an_account_alone_is_the_vendors_root() -> None:
    async with between(answers(reply(b""))) as (front, vendor):
        await front.ask(get("/runway"))
        await front.ask(get("/runway?a=b"))
    assert [call.lines[0] for call in vendor.calls] == [b"GET / HTTP/1.1", b"GET /?a=b HTTP/1.1"]


REFUSED = [
    ("/runway/../other/x", 400, "path"),
    ("/runway/..", 400, "path"),
    ("/runway/v1/./x", 400, "path"),
    ("/runway/%2e%2e/x", 400, "path"),
    ("/runway/.%2E/x", 400, "path"),
    ("/runway/v1/..%2f..%2fx", 400, "path"),
    ("/runway/v1/%5c..%5cx", 400, "path"),
    ("/runway/%5Cevil.invalid", 400, "path"),
    ("/runway//evil.invalid/x", 400, "path"),
    ("/runway/%2fevil.invalid/x", 400, "path"),
    ("/runway///evil.invalid/x", 400, "path"),
    ("/runway//%65vil%2einvalid", 400, "path"),
    ("/runway//localhost:80/x", 400, "path"),
    ("/runway//user@evil/x", 400, "path"),
    ("/runway/v1\\..\\x", 400, "target"),
    ("/runway\\..\\x", 400, "target"),
    ("/../runway/x", 400, "target"),
    ("/./runway/x", 400, "target"),
    ("/%2e%2e/runway", 400, "target"),
    ("//evil.invalid/x", 400, "target"),
    ("//runway/x", 400, "target"),
    ("/", 400, "target"),
    ("/runway@evil.invalid/x", 400, "target"),
    ("/%72unway/x", 400, "target"),
    ("/Runway/x", 400, "target"),
    ("/runway/x#fragment", 400, "target"),
    ("/runway/caf\u00e9", 400, "malformed"),
    ("http://evil.invalid/runway/x", 400, "target"),
    ("http://127.0.0.1/runway/x", 400, "target"),
    ("https://user:pass@evil.invalid/", 400, "target"),
    ("evil.invalid:443", 400, "malformed"),
    ("*", 400, "malformed"),
    ("/other/v1/x", 404, "account"),
    ("/runwayx/v1/x", 404, "account"),
]


@pytest.mark.parametrize(("target", "status", "reason"), REFUSED)
async def test_a_target_that_could_wander_is_refused_and_sent_nowhere(target: str, status: int, reason: str) -> None:
    async with between(answers(reply(b""))) as (front, vendor):
        lines, body = split(await front.ask(get(target)))
        assert lines[0].split(b" ")[1] == b"%d" % status
        assert f"X-Genmedia-Monitor: {reason}".encode() in lines
        document = json.loads(body)
        assert document["source"] == "genmedia-monitor"
        assert document["error"]
        assert front.refused(reason) == 1
        assert front.sink.observations == []
    assert vendor.connections == 0


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", "target"),
        (b"GET /runway/x HTTP/1.1\r\n\r\n", "malformed"),
        (b"GET /runway/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "malformed"),
        (b"GET /runway/x HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", "malformed"),
        (b"GET /runway/x HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", "malformed"),
        (b"GET /runway/x HTTP/1.1\r\nHost: a\r\nX : b\r\n\r\n", "malformed"),
        (b"GET /runway/x HTTP/1.1\r\nHost: a\r\nX: caf\xe9\r\n\r\n", "header"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello of TLS\r\n\r\n", "malformed"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", "malformed"),
    ],
)
async def test_what_cannot_be_passed_as_it_came_is_refused_in_json_and_the_connection_ends(
    raw: bytes, reason: str
) -> None:
    async with between(answers(reply(b""))) as (front, vendor):
        lines, body = split(await front.ask(raw))
        assert b" 400 " in lines[0]
        assert json.loads(body)["source"] == "genmedia-monitor"
        assert front.refused(reason) == 1
    assert vendor.connections == 0


CHUNKED = "Transfer-Encoding: chunked"
NOT_PASSED_ON = [
    ("CONNECT evil.invalid:443 HTTP/1.1", (), 405, "method"),
    ("CONNECT /runway/v1/x HTTP/1.1", (), 405, "method"),
    ("CONNECT evil.invalid:443 HTTP/1.1", (CHUNKED,), 405, "method"),
    ("TRACE /runway/v1/x HTTP/1.1", (), 405, "method"),
    ("POST /runway/v1/text_to_video HTTP/1.0", (CHUNKED,), 400, "malformed"),
    ("GET /runway/v1/x HTTP/1.0", (CHUNKED,), 400, "malformed"),
    ("POST /runway/v1/text_to_video HTTP/1.0", ("Transfer-Encoding: gzip, chunked",), 400, "malformed"),
    ("POST /runway/v1/text_to_video HTTP/1.1", ("Transfer-Encoding: gzip, chunked",), 501, "coding"),
    ("GET /runway/v1/x HTTP/1.1", ("Transfer-Encoding: gzip, chunked",), 501, "coding"),
    ("POST /runway/v1/text_to_video HTTP/1.1", ("Transfer-Encoding: ", "Content-Length: 15"), 501, "coding"),
    ("POST /runway/v1/text_to_video HTTP/1.1", ("Transfer-Encoding: gzip",), 400, "malformed"),
    ("POST /runway/v1/text_to_video HTTP/1.1", ("Transfer-Encoding: identity",), 400, "malformed"),
    ("POST /runway/v1/text_to_video HTTP/1.1", (CHUNKED, CHUNKED), 400, "malformed"),
    ("POST /runway/v1/text_to_video HTTP/1.1", ("Content-Length: 5", "Content-Length: 5"), 400, "malformed"),
    ("POST /runway/v1/text_to_video HTTP/1.1", tuple(f"X-{n}: a" for n in range(300)), 400, "malformed"),
    ("GET /runway/v1/x HTTP/2.0", (), 505, "malformed"),
    ("GET /runway/v1/x HTTP/0.9", (), 505, "malformed"),
]


@pytest.mark.parametrize(("line", "fields", "status", "reason"), NOT_PASSED_ON)
async def test_what_could_mean_two_things_on_the_way_is_refused_and_counts_as_nobodys_request(
    line: str, fields: tuple[str, ...], status: int, reason: str
) -> None:
    is_framed = any(field.startswith(("Transfer", "Content")) for field in fields)
    body = "5\r\nhello\r\n0\r\n\r\n" if is_framed else ""
    raw = "\r\n".join([line, "Host: a", *fields, "Connection: close", "", body]).encode()
    async with between(answers(reply(b""))) as (front, vendor):
        lines, _ = split(await front.ask(raw))
        assert lines[0].split(b" ")[1] == b"%d" % status
        assert f"X-Genmedia-Monitor: {reason}".encode() in lines
        assert (b"Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS" in lines) is (status == 405)
        assert front.refused(reason) == 1
        assert front.sink.observations == []
    assert vendor.connections == 0


async def test_refusals_are_logged_once_a_minute_for_each_reason(capfd: pytest.CaptureFixture[str]) -> None:
    async with between(answers(reply(b""))) as (front, _):
        for path in ("/nobody/x", "/nobody/y", "/runway/../x"):
            await front.ask(get(path))
    shown = capfd.readouterr().out
    assert shown.count("gateway.refused") == 2
    assert "reason=account" in shown
    assert "reason=path" in shown


async def test_a_refusal_quotes_no_header_in_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    raw = b"GET /runway/x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer key_secret\x00\r\n\r\n"
    async with between(answers(reply(b""))) as (front, _):
        await front.ask(raw)
    shown = capfd.readouterr()
    assert "key_secret" not in shown.out + shown.err


async def test_each_account_has_its_own_vendor_and_a_swap_is_seen_at_once() -> None:
    async with between(answers(reply(b"first"))) as (front, _), vendor(answers(reply(b"second"))) as other:
        assert (await front.ask(get("/other/x"))).startswith(b"HTTP/1.1 404")
        front.accounts["other"] = account("other", other.origin)
        assert (await front.ask(get("/other/x"))).endswith(b"second")
        assert (await front.ask(get("/runway/x"))).endswith(b"first")
        del front.accounts["runway"]
        assert (await front.ask(get("/runway/x"))).startswith(b"HTTP/1.1 404")


SEGMENTS = st.sampled_from(
    ["..", ".", "", "%2e%2e", "%2F", "%5c", "\\", "@", ":", "//", "v1", "a%20b", "?", "#", "evil.invalid"]
)


@given(
    st.lists(SEGMENTS, max_size=8).map("/".join), st.sampled_from(["/runway", "/runway/", "", "/", "http://runway/"])
)
def test_what_is_accepted_names_the_account_and_holds_no_way_out(rest: str, start: str) -> None:
    raw = start + rest
    try:
        target = parse_target(raw)
    except Refused:
        return
    assert raw in {f"/{target.account}{target.path}{target.query}", f"/{target.account}{target.query}"}
    assert target.path.startswith("/")
    assert not target.path.startswith("//") or not set("@:.") & set(target.path.lstrip("/").partition("/")[0])
    assert not {"..", "."} & set(target.path.split("/"))
    assert "\\" not in target.path
    assert "#" not in raw


@given(st.text(max_size=60))
def test_any_text_is_a_target_or_refused(raw: str) -> None:
    with suppress(Refused):
        assert isinstance(parse_target(raw), Target)
        assert raw.isascii()
