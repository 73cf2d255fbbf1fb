import gzip
from base64 import b64encode
from hashlib import sha256

import pytest
from aiohttp.test_utils import TestClient
from listeners import Daemon

from monitor.judgement.snapshot import Snapshot

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


async def test_metrics_are_served_as_rendered(client: TestClient, daemon: Daemon, snapshot: Snapshot) -> None:
    daemon.exposition.publish(snapshot)
    answer = await client.get("/metrics", headers={"Accept-Encoding": "identity"})
    assert (answer.status, answer.headers["Content-Type"]) == (200, TEXT)
    assert await answer.read() == daemon.exposition.text


async def test_metrics_are_compressed_for_whom_asks(client: TestClient, daemon: Daemon) -> None:
    answer = await client.get("/metrics", headers={"Accept-Encoding": "gzip;q=1.0, deflate"})
    assert (answer.headers["Content-Encoding"], answer.headers["Content-Type"]) == ("gzip", TEXT)
    assert answer.headers["Vary"] == "Accept, Accept-Encoding"
    assert gzip.decompress(await answer.read()) == daemon.exposition.text


@pytest.mark.parametrize(
    ("allowed", "coding"),
    [
        ("gzip", "gzip"),
        ("GZIP", "gzip"),
        ("x-gzip", "gzip"),
        ("deflate, gzip;q=0.5", "gzip"),
        ("gzip ; Q = 0.001", "gzip"),
        ("*", "gzip"),
        ("*;q=0, gzip", "gzip"),
        ("identity;q=0, *", "gzip"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("gzip;q=0", None),
        ("gzip;q=0.000, deflate", None),
        ("GZip;Q=0", None),
        ("*;q=0", None),
        ("gzip;q=0, *", None),
        ("gzip;q=0.5, identity;q=1", None),
        ("identity;q=0", None),
        ("identity", None),
        ("gzip;q=much", None),
        ("gzip;q=nan", None),
        ("gzip;q=-1", None),
        ("gzipped, br", None),
        (", ;,", None),
        ("", None),
    ],
)
async def test_metrics_are_sent_in_a_coding_that_the_client_allows(
    client: TestClient, daemon: Daemon, allowed: str, coding: str | None
) -> None:
    answer = await client.get("/metrics", headers={"Accept-Encoding": allowed})
    assert answer.headers.get("Content-Encoding") == coding
    body = await answer.read()
    assert (gzip.decompress(body) if coding else body) == daemon.exposition.text


PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


@pytest.mark.parametrize(
    ("accepted", "content_type"),
    [
        (PROMETHEUS, OPENMETRICS),
        ("application/openmetrics-text", OPENMETRICS),
        ("Application/OpenMetrics-Text ; Version=1.0.0", OPENMETRICS),
        ("text/plain;q=0.5, application/openmetrics-text;q=0.5", OPENMETRICS),
        ("application/openmetrics-text;version=0.0.1", TEXT),
        ("application/openmetrics-text;version=2.0.0", TEXT),
        ("application/openmetrics-text;q=0", TEXT),
        ("application/openmetrics-text;q=much", TEXT),
        ("text/plain, application/openmetrics-text;q=0.9", TEXT),
        ("text/plain;version=0.0.4", TEXT),
        ("text/html, */*;q=0.8", TEXT),
        (", ;,", TEXT),
        ("", TEXT),
    ],
)
async def test_metrics_are_openmetrics_for_whom_asks(
    client: TestClient, daemon: Daemon, snapshot: Snapshot, accepted: str, content_type: str
) -> None:
    daemon.exposition.publish(snapshot)
    for coding in ("identity", "gzip"):
        answer = await client.get("/metrics", headers={"Accept": accepted, "Accept-Encoding": coding})
        body = await answer.read()
        text = gzip.decompress(body) if coding == "gzip" else body
        assert answer.headers["Content-Type"] == content_type
        assert text.endswith(b"# EOF\n") == (content_type == OPENMETRICS)


async def test_a_refusal_of_gzip_on_a_line_of_its_own_counts(client: TestClient) -> None:
    answer = await client.get("/metrics", headers=[("Accept-Encoding", "br"), ("Accept-Encoding", "gzip;q=0")])
    assert "Content-Encoding" not in answer.headers


async def test_the_daemons_own_metrics_are_served_before_the_first_evaluation(client: TestClient) -> None:
    answer = await client.get("/metrics", headers={"Accept-Encoding": ""})
    assert b"genmedia_monitor_build_info" in await answer.read()


async def test_healthy_does_not_mean_ready(client: TestClient, daemon: Daemon) -> None:
    daemon.reasons = ["the store does not accept writes", "the gateway does not listen yet"]
    assert (await client.get("/-/healthy")).status == 200
    answer = await client.get("/-/ready")
    assert (answer.status, await answer.text()) == (503, "\n".join([*daemon.reasons, ""]))
    daemon.reasons = []
    assert (await client.get("/-/ready")).status == 200


async def test_reload_tells_whether_it_worked(client: TestClient, daemon: Daemon) -> None:
    assert (await client.post("/-/reload")).status == 200
    daemon.reload_fault = "accounts[0].provider: unknown provider 'runaway'"
    answer = await client.post("/-/reload")
    assert (answer.status, await answer.text()) == (422, f"{daemon.reload_fault}\n")


@pytest.mark.parametrize("path", ["/metrics/", "/-/ready//", "/-/healthy/", "/api/v1/observations/"])
async def test_a_slash_at_the_end_of_an_address_changes_nothing(client: TestClient, path: str) -> None:
    assert (await client.get(path)).status == (await client.get(path.rstrip("/"))).status
    assert (await client.get(path)).status != 404


async def test_reload_works_with_a_slash_at_its_end(client: TestClient, daemon: Daemon) -> None:
    assert (await client.post("/-/reload/")).status == 200
    assert daemon.reloads == 1


async def test_reload_needs_a_post(client: TestClient, daemon: Daemon) -> None:
    assert (await client.get("/-/reload")).status == 405
    assert daemon.reloads == 0


@pytest.mark.parametrize("path", ["/-/reload", "/api/v1/observations"])
@pytest.mark.parametrize(
    "header", [("Origin", "http://127.0.0.1:10190"), ("Origin", "null"), ("Sec-Fetch-Site", "same-origin")]
)
async def test_no_page_in_a_browser_can_change_anything(
    client: TestClient, daemon: Daemon, path: str, header: tuple[str, str]
) -> None:
    answer = await client.post(path, headers=dict([header]), data=b"{}")
    assert answer.status == 403
    assert daemon.reloads == 0


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/ready", "/api/v1/accounts", "/nowhere", "/-/reload"])
async def test_every_answer_is_closed_to_browsers(client: TestClient, path: str) -> None:
    answer = await client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"


async def test_the_policy_lets_in_the_pages_own_style_sheet(client: TestClient) -> None:
    answer = await client.get("/", headers={"Accept-Encoding": "identity"})
    style = (await answer.text()).partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert style
    assert f"style-src 'sha256-{digest}'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/api/v1/accounts", "/nowhere"])
async def test_a_rebound_host_name_reads_nothing(client: TestClient, path: str) -> None:
    answer = await client.get(path, headers={"Host": "evil.example"})
    assert answer.status == 421
    assert "allowed_hosts" in await answer.text()
    assert (await client.get(path, headers={"Host": "10.0.0.1:10190"})).status != 421


@pytest.mark.parametrize("path", ["/-/reload", "/api/v1/observations"])
async def test_a_rebound_host_name_changes_nothing(client: TestClient, daemon: Daemon, path: str) -> None:
    answer = await client.post(path, headers={"Host": "evil.example"}, data=b"{}")
    assert answer.status == 421
    assert daemon.reloads == 0


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/accounts"])
async def test_a_foreign_page_reads_nothing(client: TestClient, path: str) -> None:
    for header in ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, {"Origin": "http://evil.example"}):
        assert (await client.get(path, headers=header)).status == 403
