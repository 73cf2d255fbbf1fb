"""No web page, whatever its host name comes to mean, gets anything through the gateway; no program is turned away."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

import pytest
from aiohttp import web
from wire import Gateway, answers, between, get, reply, split

from monitor.http.browsers import is_known_host, may_pass, may_read

BROWSER = ["User-Agent: Mozilla/5.0 (X11; Linux x86_64)", "Accept-Language: en-US"]
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --dump-dom --virtual-time-budget=3000"
)
PAGE = """<!doctype html><body><script>
const tell = (name, value) => { document.body.append(name + "=" + value + ";"); };
const read = async (name, ...request) => {
  try { tell(name, (await (await fetch(...request)).text()) || "opaque"); } catch { tell(name, "refused"); }
};
onload = async () => {
  new Image().src = "GATEWAY/image";
  await read("plain", "GATEWAY/plain");
  await read("blind", "GATEWAY/blind", {mode: "no-cors"});
  await read("post", "GATEWAY/post", {method: "POST", mode: "no-cors", body: "{}"});
  await read("json", "GATEWAY/json", {method: "POST", headers: {Authorization: "Bearer x"}, body: "{}"});
  const socket = new WebSocket("GATEWAY/socket".replace("http", "ws"));
  await new Promise((done) => { socket.onerror = socket.onopen = (event) => { tell("socket", event.type); done(); }; });
  tell("end", "end");
};
</script>"""


@pytest.fixture(scope="session")
def chromium() -> str:
    found = shutil.which("chromium")
    if found is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium)")
    return found


async def browse(chromium: str, url: str, folder: Path) -> str:
    process = await asyncio.create_subprocess_exec(
        chromium,
        *FLAGS.split(),
        "--host-resolver-rules=MAP evil.example 127.0.0.1",
        f"--user-data-dir={folder}",
        url,
        env={**os.environ, "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    shown, _ = await asyncio.wait_for(process.communicate(), 60)
    return shown.decode()


async def test_a_foreign_page_passes_nothing_through_the_gateway(chromium: str, tmp_path: Path) -> None:
    async with between(answers(reply(b"secret"))) as (front, vendor):
        page = PAGE.replace("GATEWAY", f"http://127.0.0.1:{front.port}/runway")

        async def show(_: web.Request) -> web.Response:
            return web.Response(text=page, content_type="text/html")

        app = web.Application()
        app.router.add_get("/", show)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            shown = await browse(chromium, f"http://evil.example:{runner.addresses[0][1]}/", tmp_path)
        finally:
            await runner.cleanup()
        assert "plain=refused" in shown
        assert "json=refused" in shown
        assert front.refused("browser") >= 4
        assert "secret" not in shown
        assert vendor.calls == []


async def test_a_rebound_name_passes_nothing_through_the_gateway(chromium: str, tmp_path: Path) -> None:
    async with between(answers(reply(b"secret"))) as (front, vendor):
        shown = await browse(chromium, f"http://evil.example:{front.port}/runway/v1/x", tmp_path)
        assert "genmedia-monitor" in shown
        assert front.refused("browser") >= 1
        assert vendor.calls == []


REFUSED = [
    ["Origin: http://evil.example"],
    ["Origin: null"],
    ["Origin: http://127.0.0.1:10191"],
    ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"],
    ["Sec-Fetch-Site: same-site"],
    ["Sec-Fetch-Site: same-origin"],
    BROWSER,
    ["User-Agent: Mozilla/5.0"],
    ["Accept-Language: de"],
]


async def asked(front: Gateway, *fields: str, host: str = "gateway") -> bytes:
    raw = get("/runway/v1/x", *fields).replace(b"Host: gateway", b"Host: " + host.encode())
    return split(await front.ask(raw))[0][0].split(b" ")[1]


@pytest.mark.parametrize("fields", REFUSED)
async def test_what_only_a_page_sends_is_refused_in_the_gateways_name(fields: list[str]) -> None:
    async with between(answers(reply(b""))) as (front, vendor):
        assert await asked(front, *fields, host="evil.example:10191") == b"403"
        assert front.refused("browser") == 1
        assert front.sink.observations == []
    assert vendor.calls == []


@pytest.mark.parametrize(
    ("fields", "host"),
    [
        ([], "evil.example"),
        (["User-Agent: RunwayML/Python 5.24.0"], "gateway.internal:10191"),
        (["Accept-Language: *", "Sec-Fetch-Mode: cors", "User-Agent: node"], "monitor"),
        (["Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", *BROWSER], "127.0.0.1:10191"),
        (BROWSER, "localhost"),
        (BROWSER, "[::1]:10191"),
    ],
)
async def test_programs_pass_by_any_host_name_and_the_user_by_an_address(fields: list[str], host: str) -> None:
    async with between(answers(reply(b""))) as (front, _):
        assert await asked(front, *fields, host=host) == b"200"


def test_a_page_passes_where_its_origin_is_allowed() -> None:
    page = {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site", "Host": "127.0.0.1:10191"}
    assert may_pass(page, ["http://localhost:3000"], [])
    assert may_pass(page, ["*"], [])
    assert not may_pass(page, ["http://localhost:3001"], [])
    assert not may_pass({"Host": "evil.example", "User-Agent": "Mozilla/5.0"}, ["http://localhost:3000"], [])
    assert may_pass({"Host": "team.example", "User-Agent": "Mozilla/5.0"}, [], ["team.example"])


@pytest.mark.parametrize(
    ("host", "is_known"),
    [
        (None, True),
        ("127.0.0.1", True),
        ("10.1.2.3:10190", True),
        ("[::1]:10190", True),
        ("localhost:10190", True),
        ("LOCALHOST", True),
        ("localhost.", True),
        ("monitor:10190", True),
        ("Monitor.:10190", True),
        ("evil.example", False),
        ("evil.example:10190", False),
        ("localhost.evil.example", False),
        ("127.0.0.1.evil.example", False),
        ("monitor.evil.example", False),
        ("evil.example@127.0.0.1", False),
        ("127.0.0.1 evil.example", False),
    ],
)
def test_a_host_is_known_by_its_whole_name(host: str | None, *, is_known: bool) -> None:
    assert is_known_host(host, ("monitor",)) is is_known


@pytest.mark.parametrize(
    ("headers", "reads"),
    [
        ({}, True),
        ({"Sec-Fetch-Mode": "cors"}, True),
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, True),
        ({"Sec-Fetch-Site": "same-origin"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, True),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, False),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, False),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, False),
        ({"Origin": "http://evil.example"}, False),
    ],
)
def test_a_link_to_the_operator_listener_works_and_a_pages_own_request_does_not(
    headers: dict[str, str], *, reads: bool
) -> None:
    assert may_read(headers) is reads
