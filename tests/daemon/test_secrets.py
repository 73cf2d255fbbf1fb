"""No key leaves the daemon but to its vendor: everything it writes or answers is searched for every piece of one."""

from __future__ import annotations

import asyncio
import itertools
import json
import subprocess
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import pytest
import yaml
from daemon.process import MODULE, Process, environment, running, write_config, write_key
from end_to_end.stage import PATIENCE_SECONDS, parse
from gateway.wire import TASK, Call, HangUpError, reply, vendor
from sqlalchemy import text

from monitor.store import Database
from monitor.store.schema import metadata

PIECE = 20
HANG_SECONDS = 3600
LOCK_SECONDS = 2.5
POLL = f"/v1/tasks/{TASK}"

Secrets = Mapping[str, str]


@pytest.fixture
def secrets() -> Secrets:
    """Keys by the account they belong to, one of them unlike any vendor's; and a key and a password of somebody."""
    accounts = {"from-env": f"key_{token_hex(64)}", "from-file": f"key_{token_hex(64)}"}
    return {**accounts, "from-command": f"s3cret-{token_hex(30)}", "stranger": f"key_{token_hex(64)}"}


def leaks(evidence: Mapping[str, bytes], secrets: Secrets) -> set[tuple[str, str]]:
    """Where a piece of a secret stands: the name of the evidence and of the secret."""
    return {
        (place, name)
        for (place, text), (name, secret) in itertools.product(evidence.items(), secrets.items())
        if any(secret[start : start + PIECE].encode() in text for start in range(len(secret) - PIECE + 1))
    }


def authorization(call: Call) -> bytes:
    return call.header(b"authorization") or b"nobody"


async def says_json(call: Call) -> None:
    body = json.dumps({"error": (call.head + call.body).decode(errors="replace")}).encode()
    await call.send(reply(body, b"Content-Type: application/json", status=b"400 Bad Request"))


async def says_html(call: Call) -> None:
    await call.send(reply(b"<pre>" + call.head, b"Content-Type: text/html", status=b"500 Internal Server Error"))


async def says_it_in_the_head(call: Call) -> None:
    said = authorization(call)
    await call.send(reply(b"", b"X-Echo: " + said, b"Location: /?" + said.split()[-1], status=b"302 see " + said))


async def says_undecodable(call: Call) -> None:
    await call.send(reply(call.head, b"Content-Encoding: gzip"))


async def says_failed_task(call: Call) -> None:
    said = authorization(call).decode()
    await call.send(reply(json.dumps({"id": TASK, "status": "FAILED", "failure": said, "failureCode": said}).encode()))


async def says_unheard_of_status(call: Call) -> None:
    said = authorization(call).decode()
    await call.send(reply(json.dumps({"id": said, "status": said}).encode()))


async def says_no_http(call: Call) -> None:
    await call.send(authorization(call) + b"\r\n" + call.head)
    raise HangUpError


async def says_half(call: Call) -> None:
    await call.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + call.head)
    raise HangUpError


async def resets(call: Call) -> None:
    call.reset()


async def hangs(_: Call) -> None:
    await asyncio.sleep(HANG_SECONDS)


Echo = Callable[[Call], Awaitable[None]]
OWN_ECHOES: tuple[Echo, ...] = (
    says_json,
    says_html,
    says_it_in_the_head,
    says_undecodable,
    says_no_http,
    says_half,
    resets,
)
ECHOES = {echo.__name__: echo for echo in (*OWN_ECHOES, says_failed_task, says_unheard_of_status, hangs)}


class Parrot:
    """A vendor that repeats what it is told, in the way that the query asks for, or in each in turn."""

    def __init__(self) -> None:
        self.heard = b""
        self._turns = itertools.cycle(OWN_ECHOES)

    async def __call__(self, call: Call) -> None:
        await call.read_body()
        self.heard += call.head + call.body
        asked = call.lines[0].partition(b"as=")[2].split()
        await (ECHOES[asked[0].decode()] if asked else next(self._turns))(call)


def accounts_of(folder: Path, origin: str, secrets: Secrets) -> dict[str, dict[str, Any]]:
    """An account for each way to name a key."""
    command = folder / "give-key"
    command.write_text(f"#!/bin/sh\necho {secrets['from-command']}\n")
    command.chmod(0o700)
    common = {"base_url": origin, "poll_interval": "1s"}
    return {
        "from-env": {"api_key_env": "KEY_OF_THIS_TEST", **common},
        "from-file": {"api_key_file": write_key(folder, "from-file", secrets["from-file"]), **common},
        "from-command": {"api_key_command": str(command), **common},
    }


async def use(daemon: Process, account: str, key: str, http: httpx.AsyncClient) -> list[httpx.Response]:
    """Requests with this key that fail in every way; the gateway's own answers among the replies."""
    base = f"{daemon.gateway_url}/{account}"
    headers = {"Authorization": f"Bearer {key}", "User-Agent": key, "X-Stainless-Retry-Count": key}
    polls = [http.get(f"{base}{POLL}?as={name}", headers=headers) for name in ECHOES]
    creates = [
        http.post(f"{base}/v1/text_to_video?as={name}", headers=headers, content=body)
        for name, body in itertools.product(
            ("says_json", "says_undecodable"), (json.dumps({"model": key}), f'{{"model": "{key}', key)
        )
    ]
    strays = [
        http.get(f"{base}/v1/tasks/{key}?as=says_json", headers=headers),
        http.get(f"{base}/{key}?as=says_html", headers=headers),
        http.get(f"{daemon.gateway_url}/{key}/v1/organization", headers=headers),
        http.get(f"{daemon.gateway_url}/nobody/v1/organization?key={key}", headers=headers),
        http.get(f"{daemon.operator_url}/v1/organization?key={key}", headers=headers),
    ]
    replies = await asyncio.gather(*polls, *creates, *strays, return_exceptions=True)
    answers = [each for each in replies if isinstance(each, httpx.Response)]
    return [answer for answer in answers if "X-Genmedia-Monitor" in answer.headers]


def misplaced(account: dict[str, Any], key: str) -> Iterable[object]:
    """Configurations in which a key stands where it does not belong."""
    plain = {name: value for name, value in account.items() if not name.startswith("api_key")}
    for place in ("api_key", "api_key_env", "api_key_file", "api_key_command"):
        yield {"accounts": [{**plain, "name": "a", "provider": "runway", place: key}]}
    good = {"name": "a", "provider": "runway", **account}
    for place in ("name", "provider", "poll_interval", "max_models", "follow_up", key):
        yield {"accounts": [{**good, place: key}]}
    yield {"accounts": [{**good, "base_url": f"https://{key}@127.0.0.1"}]}
    yield {"accounts": [{**good, "proxy": f"socks5://{key}:{key}@127.0.0.1"}]}
    yield {"accounts": [{**good, "ca_file": key}]}
    yield {"accounts": [{**good, "follow_up": {key: key}}]}
    yield {"accounts": [{**plain, "name": "a", "provider": "runway", "api_key_command": f"echo {key} {key}"}]}
    yield {"accounts": [key]}
    for place in ("accounts", "listen", "gateway", "store", "retention", "evaluate_interval", key):
        yield {"accounts": [good], place: key}
    yield {"accounts": [good], "store": f"postgresql://u:{key}@127.0.0.1/d"}
    yield key


def unreadable(key: str) -> Iterable[str]:
    """Files that are no YAML, with a key in the spot."""
    yield f"accounts: [{{api_key_env: {key}"
    yield f"accounts: *{key}"
    yield f"accounts: !{key} x"
    yield f"accounts: &{key} [*{key}]\n{key}: &{key}\n{key}: 1"
    yield f"%{key} 1\n---\n"
    yield f'accounts: "{key}\\q"'
    yield f"accounts: @{key}"


def faulty(account: dict[str, Any], key: str) -> list[str]:
    return [*(yaml.safe_dump(document) for document in misplaced(account, key)), *unreadable(key)]


class Reloads:
    """Asks for reloads of other configurations; the daemon's own is in the file again afterwards."""

    def __init__(self, config: Path, daemon: Process, http: httpx.AsyncClient) -> None:
        self._config = config
        self._own = config.read_text()
        self._daemon = daemon
        self._http = http

    async def refused(self, text: str) -> bytes:
        """What is said of a configuration that cannot be used."""
        self._config.write_text(text)
        answer = await self._http.post(f"{self._daemon.operator_url}/-/reload")
        self._config.write_text(self._own)
        assert answer.status_code == 422, text
        return answer.content


async def ingest(daemon: Process, key: str, http: httpx.AsyncClient) -> str:
    """What a sender is told that confuses its fields."""
    request = {"type": "request", "account": "from-env", "at": 1, "endpoint": "/v1/x", "kind": "other", "code": "200"}
    line = {**request, "outcome": "success", "duration_seconds": 0}
    lines = [{**line, place: key} for place in (*line, "model", key)] + [{**line, "type": "task", "task": key}]
    body = "\n".join([*map(json.dumps, lines), key])
    answer = await http.post(f"{daemon.operator_url}/api/v1/observations", content=body)
    assert answer.json()["rejected_total"] > 0
    account = await http.get(f"{daemon.operator_url}/api/v1/accounts/{key}")
    assert account.status_code == 404
    return answer.text + account.text


async def hold_lock(url: str) -> None:
    """Keep the daemon from writing for longer than it waits."""
    database = Database.open(url)
    with database.begin() as holder:  # on SQLite this alone is the write lock
        if holder.dialect.name == "postgresql":
            holder.execute(text("LOCK TABLE tallies IN ACCESS EXCLUSIVE MODE"))
        await asyncio.sleep(LOCK_SECONDS)
    database.close()


async def pages(daemon: Process, http: httpx.AsyncClient) -> dict[str, bytes]:
    """Everything that the operator listener shows."""
    paths = ("/", "/-/ready", "/api/v1/accounts", "/api/v1/accounts/from-env", "/metrics")
    shown = {path: (await http.get(f"{daemon.operator_url}{path}")).content for path in paths}
    plain = await http.get(f"{daemon.operator_url}/metrics", headers={"Accept-Encoding": "identity"})
    return {**shown, "/metrics as plain text": plain.content}


def files(folder: Path) -> dict[str, bytes]:
    """Every file of an SQLite database, the log of what is not yet in its place among them."""
    return {path.name: path.read_bytes() for path in folder.glob("monitor.db*")}


def rows(url: str) -> dict[str, bytes]:
    """Every row of every table, as Python shows it."""
    database = Database.open(url)
    with database.begin() as connection:
        shown = {table.name: repr(connection.execute(table.select()).all()) for table in metadata.sorted_tables}
    database.close()
    return {name: row.encode() for name, row in shown.items()}


async def failed_in_every_way(daemon: Process, http: httpx.AsyncClient) -> None:
    """The premises: each kind of trouble was had."""
    await daemon.logged("read.failed", times=len(OWN_ECHOES))
    figures = parse((await http.get(f"{daemon.operator_url}/metrics")).text)
    codes = {labels[0] for labels in figures.by("genmedia_requests_total", "outcome")}
    assert {"invalid_request", "server_error", "truncated", "timeout"} <= codes
    assert figures.total("genmedia_monitor_observer_errors_total") > 0
    assert figures.total("genmedia_monitor_gateway_refused_total") > 0
    assert figures.total("genmedia_account_read_up") == 0


async def test_no_piece_of_a_key_is_in_any_log_file_row_figure_or_page(
    secrets: Secrets, database_url: str, tmp_path: Path
) -> None:
    parrot = Parrot()
    async with vendor(parrot) as upstream, httpx.AsyncClient(timeout=PATIENCE_SECONDS) as http:
        accounts = accounts_of(tmp_path, upstream.origin, secrets)
        gateway = {"listen": "127.0.0.1:0", "timeout": "1s"}
        config = write_config(tmp_path, accounts, store=database_url, gateway=gateway)
        environ = environment(KEY_OF_THIS_TEST=secrets["from-env"], PYTHONASYNCIODEBUG="1", PYTHONDEVMODE="1")
        async with running("--config", config, cwd=tmp_path, environ=environ) as daemon:
            reloads = Reloads(config, daemon, http)
            uses = [use(daemon, account, secrets[key], http) for account in accounts for key in (account, "stranger")]
            answers = [answer for some in await asyncio.gather(*uses) for answer in some]
            await hold_lock(database_url)
            evidence = {"ingest": (await ingest(daemon, secrets["from-env"], http)).encode()}
            for name in accounts:
                for text in faulty(accounts["from-file"], secrets[name]):
                    evidence[f"reload of {text}"] = await reloads.refused(text)
            await failed_in_every_way(daemon, http)
            evidence |= await pages(daemon, http)
    evidence["log"] = daemon.output.encode()
    evidence["gateway's answers"] = b"".join(str(each.headers).encode() + each.content for each in answers)
    stored = files(tmp_path) | rows(database_url)

    assert all(len(stored[name]) > len("[]") for name in ("tasks", "tallies", "reads"))
    assert database_url.startswith("postgresql") or stored.keys() >= {"monitor.db", "monitor.db-wal"}
    assert {name for _, name in leaks({"heard": parrot.heard}, secrets)} == secrets.keys()
    assert leaks({**evidence, **stored}, secrets) == set()


@pytest.mark.parametrize("command", [("check-config",), ("run", "--config")], ids=["check-config", "run"])
def test_no_fault_of_a_configuration_quotes_a_key(command: tuple[str, ...], secrets: Secrets, tmp_path: Path) -> None:
    config = tmp_path / "monitor.yml"
    account = {"api_key_file": write_key(tmp_path, "good", secrets["from-file"])}
    every = {"accounts": [], "gateway": secrets["stranger"], "store": f"postgresql://u:{secrets['stranger']}@:x/d"}
    for document in misplaced(account, secrets["from-env"]):
        if isinstance(document, dict) and isinstance(document["accounts"], list):
            every["accounts"] += document["accounts"]
    for content in (yaml.safe_dump(every), f"accounts: [{{api_key_env: {secrets['from-env']}"):
        config.write_text(content)
        arguments = [*MODULE, *command, config]
        done = subprocess.run(arguments, check=False, cwd=tmp_path, env=environment(), capture_output=True)
        assert done.returncode == 1
        assert leaks({"output": done.stdout + done.stderr}, secrets) == set()


@pytest.mark.parametrize("at", ["127.0.0.1:9", "no.such.host.invalid"])
async def test_a_store_out_of_reach_does_not_tell_its_password(at: str, tmp_path: Path) -> None:
    password = {"password": token_hex(16)}
    config = write_config(
        tmp_path,
        {"a": {"api_key_file": write_key(tmp_path, "a", "key_a")}},
        store=f"postgresql://monitor:{password['password']}@{at}/monitor",
    )
    daemon = await Process.spawn("run", "--config", config, cwd=tmp_path, environ=environment())
    try:
        operator = (await daemon.logged("daemon.started"))["operator"]
        await daemon.logged("store.failed")
        async with httpx.AsyncClient(base_url=operator) as http:
            pages = {path: await http.get(path) for path in ("/-/ready", "/", "/metrics", "/api/v1/accounts")}
    finally:
        await daemon.kill()
    assert pages["/-/ready"].status_code == 503
    evidence = {path: page.content for path, page in pages.items()}
    assert leaks({**evidence, "output": daemon.output.encode()}, password) == set()


def test_a_store_that_is_no_address_does_not_tell_its_password(tmp_path: Path) -> None:
    password = {"password": token_hex(16)}
    config = write_config(
        tmp_path,
        {"a": {"api_key_file": write_key(tmp_path, "a", "key_a")}},
        store=f"postgresql://monitor:{password['password']}@127.0.0.1:9,127.0.0.1:9/monitor",
    )
    arguments = [*MODULE, "run", "--config", config]
    done = subprocess.run(arguments, check=False, cwd=tmp_path, env=environment(), capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr.count(b"\n")) == (1, b"", 1), done.stderr
    assert leaks({"output": done.stderr}, password) == set()
