"""Starting: what is served at once, and what stops a start in one line."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from daemon.process import MODULE, NOBODY, SCRIPT, environment, running, write_config, write_key
from end_to_end.stage import PATIENCE_SECONDS, parse

from monitor.providers import PROVIDERS
from monitor.store import Database

KEY = "key_" + "5ec2e7" * 8


def call(*arguments: str | Path, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    command = [*MODULE, *arguments]
    return subprocess.run(
        command,
        check=False,
        cwd=cwd,
        env=environment(**environ),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )


def usual(folder: Path) -> dict[str, Any]:
    """An account whose vendor cannot be reached."""
    return {"runway": {"api_key_file": write_key(folder, "runway", KEY), "base_url": NOBODY}}


@pytest.mark.parametrize("program", [MODULE, SCRIPT], ids=["module", "script"])
async def test_the_module_and_the_script_start_the_same_daemon(tmp_path: Path, program: tuple[str, ...]) -> None:
    config = write_config(tmp_path, usual(tmp_path))
    async with running("--config", config, cwd=tmp_path, program=program) as daemon, httpx.AsyncClient() as http:
        assert (await http.get(f"{daemon.operator_url}/-/healthy")).status_code == 200
        figures = parse((await http.get(f"{daemon.operator_url}/metrics")).text)
        assert figures.value("genmedia_account_read_up", account="runway", read="organization") == 0
        refused = await http.get(f"{daemon.gateway_url}/runway/v1/organization")
        assert (refused.status_code, refused.json()["source"]) == (502, "genmedia-monitor")


@dataclass
class Proxy:
    """Stands between a program and every other machine: notes where it wants to go, and lets it go nowhere."""

    wanted: list[str] = field(default_factory=list)

    async def refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.wanted.append((await reader.readuntil(b"\r\n\r\n")).split()[1].decode())
        writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
        writer.close()


async def test_no_file_and_a_key_in_the_environment_are_enough(tmp_path: Path) -> None:
    for port in (10190, 10191):
        skip_if_taken(port)
    proxy = Proxy()
    async with await asyncio.start_server(proxy.refuse, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        environ = environment(
            RUNWAYML_API_SECRET=KEY, HTTPS_PROXY=f"http://127.0.0.1:{port}", XDG_STATE_HOME=str(tmp_path / "state")
        )
        async with running(cwd=tmp_path, environ=environ) as daemon, httpx.AsyncClient() as http:
            assert (daemon.operator_url, daemon.gateway_url) == ("http://127.0.0.1:10190", "http://127.0.0.1:10191")
            await daemon.logged("read.failed", times=2)
            figures = parse((await http.get(f"{daemon.operator_url}/metrics")).text)
    assert list(figures.select("genmedia_account_read_up", account="runway").values()) == [0, 0]
    vendor = PROVIDERS["runway"].base_url.removeprefix("https://")
    assert set(proxy.wanted) == {f"{vendor}:443"}
    assert (tmp_path / "state" / "genmedia-monitor" / "monitor.db").exists()


def skip_if_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            pytest.skip(f"something listens on the default port {port}")


async def test_a_file_without_accounts_takes_them_from_the_environment(tmp_path: Path) -> None:
    config = tmp_path / "monitor.yml"
    config.write_text("{listen: 127.0.0.1:0, gateway: {listen: 127.0.0.1:0}}")
    environ = environment(RUNWAYML_API_SECRET=KEY, HTTPS_PROXY=NOBODY)
    async with running("--config", config, cwd=tmp_path, environ=environ) as daemon:
        assert (await daemon.logged("daemon.started"))["accounts"] == ["runway"]


def assert_one_line(result: subprocess.CompletedProcess[str], beginning: str) -> None:
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.startswith(beginning), result.stderr
    assert result.stderr.count("\n") == 1, result.stderr


@pytest.mark.parametrize("key", ["listen", "gateway.listen"])
def test_a_taken_port_stops_the_start(tmp_path: Path, key: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        top = {"listen": address} if key == "listen" else {"gateway": {"listen": address}}
        config = write_config(tmp_path, usual(tmp_path), **top)
        result = call("run", "--config", config, cwd=tmp_path)
    assert_one_line(result, f"genmedia-monitor: {key}: cannot listen on {address}: Address already in use; ")


def test_a_start_that_finds_its_port_taken_leaves_nothing_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        config = write_config(tmp_path, usual(tmp_path), listen=f"127.0.0.1:{taken.getsockname()[1]}")
        before = set(tmp_path.iterdir())
        assert call("run", "--config", config, cwd=tmp_path).returncode == 1
    assert set(tmp_path.iterdir()) == before


def test_a_host_that_no_name_can_be_is_one_line(tmp_path: Path) -> None:
    config = write_config(tmp_path, usual(tmp_path), listen="..:7000")
    assert_one_line(
        call("run", "--config", config, cwd=tmp_path), "genmedia-monitor: listen: cannot listen on ..:7000: "
    )


@pytest.mark.parametrize(
    ("store", "fault"),
    [
        ("sqlite:///monitor.db?colour=blue", "store: sqlite knows no option colour: leave it out"),
        ("sqlite:///monitor.db?timeout=soon", "store: an option of the database URL has a value that cannot be used"),
        ("sqlite:///file::memory:?uri=true", "store: the database must be a file: write sqlite:///FILE"),
    ],
)
def test_a_store_url_that_no_database_has_stops_the_start(tmp_path: Path, store: str, fault: str) -> None:
    config = write_config(tmp_path, usual(tmp_path), store=store)
    assert_one_line(call("run", "--config", config, cwd=tmp_path), f"genmedia-monitor: {fault}")


async def test_the_default_database_is_the_same_wherever_the_daemon_starts(tmp_path: Path) -> None:
    config = write_config(tmp_path, usual(tmp_path), store=None)
    environ = environment(XDG_STATE_HOME=str(tmp_path / "state"))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        async with running("--config", config, cwd=tmp_path / name, environ=environ) as daemon:
            told = (await daemon.logged("daemon.started"))["store"]
            assert told == str(tmp_path / "state" / "genmedia-monitor" / "monitor.db")
            assert not daemon.events("store.in_working_directory")
        assert (tmp_path / "state" / "genmedia-monitor" / "monitor.db").exists()
        assert not list((tmp_path / name).iterdir())


async def test_a_database_in_the_working_directory_stays_in_use_with_a_hint(tmp_path: Path) -> None:
    config = write_config(tmp_path, usual(tmp_path), store=None)
    Database.open(f"sqlite:///{tmp_path}/monitor.db").close()
    async with running("--config", config, cwd=tmp_path) as daemon:
        assert (await daemon.logged("daemon.started"))["store"] == str(tmp_path / "monitor.db")
        assert "move monitor.db* to " in (await daemon.logged("store.in_working_directory"))["advice"]


def test_no_account_at_all_stops_the_start(tmp_path: Path) -> None:
    result = call("run", cwd=tmp_path)
    assert_one_line(result, "configuration: accounts: none; set RUNWAYML_API_SECRET or RUNWARE_API_KEY, or list")


@pytest.mark.parametrize("command", [("run", "--config"), ("check-config",)], ids=["run", "check-config"])
@pytest.mark.parametrize(
    ("account", "beginning"),
    [
        ({"api_key_env": "NO_SUCH_VARIABLE"}, "accounts[0].api_key_env: variable NO_SUCH_VARIABLE is not set; "),
        ({"api_key_file": "no_such_file"}, "accounts[0].api_key_file: cannot read {folder}/no_such_file: "),
        ({"api_key_command": "false"}, "accounts[0].api_key_command: the command failed with status 1; "),
    ],
    ids=["variable", "file", "command"],
)
def test_a_key_that_cannot_be_had_is_one_line(
    tmp_path: Path, command: tuple[str, ...], account: dict[str, str], beginning: str
) -> None:
    config = write_config(tmp_path, {"runway": account})
    assert_one_line(
        call(*command, config, cwd=tmp_path), f"configuration: {config}: {beginning.format(folder=tmp_path)}"
    )


@pytest.mark.parametrize("command", [("run", "--config"), ("check-config",)], ids=["run", "check-config"])
@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("nowhere.yml", "cannot be read: No such file or directory; "),
        ("folder", "cannot be read: Is a directory; "),
        ("binary", "not UTF-8 text; "),
        ("binary/inside.yml", "cannot be read: Not a directory; "),
        ("x" * 300, "cannot be read: File name too long; "),
    ],
)
def test_a_configuration_that_cannot_be_read_is_one_line_with_its_path(
    tmp_path: Path, command: tuple[str, ...], name: str, fault: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    result = call(*command, tmp_path / name, cwd=tmp_path)
    assert_one_line(result, f"configuration: {tmp_path / name}: {fault}")


@pytest.mark.parametrize("command", [("run", "--config"), ("check-config",)], ids=["run", "check-config"])
def test_an_unknown_provider_is_one_line_with_its_file_and_value(tmp_path: Path, command: tuple[str, ...]) -> None:
    account = {**usual(tmp_path)["runway"], "provider": "runwy"}
    config = write_config(tmp_path, {"a": account})
    result = call(*command, config, cwd=tmp_path)
    fault = f"{config}: accounts[0].provider: unknown provider 'runwy'; use one of runway, runware"
    assert_one_line(result, f"configuration: {fault}")


def test_every_fault_is_listed_at_once(tmp_path: Path) -> None:
    config = tmp_path / "monitor.yml"
    config.write_text(
        """
        listen: 127.0.0.1:7000
        gateway: {listen: 127.0.0.1:7000}
        evaluate_interval: 5
        colour: blue
        accounts:
          - {name: one, provider: runway, api_key_env: NO_SUCH_VARIABLE, poll_interval: 60parsecs}
          - {name: one, provider: nobody, api_key_file: no_such_file}
        """
    )
    result = call("check-config", config, cwd=tmp_path)
    places = {line.removeprefix(f"configuration: {config}: ").split(": ")[0] for line in result.stderr.splitlines()}
    assert (result.returncode, result.stdout) == (1, "")
    assert places == {
        "gateway.listen",
        "evaluate_interval",
        "colour",
        "accounts[0].api_key_env",
        "accounts[0].poll_interval",
        "accounts[1].name",
        "accounts[1].provider",
        "accounts[1].api_key_file",
    }
    assert len(result.stderr.splitlines()) == len(places)
    assert call("run", "--config", config, cwd=tmp_path).stderr == result.stderr


def test_a_good_file_is_called_good(tmp_path: Path) -> None:
    config = write_config(tmp_path, usual(tmp_path))
    result = call("check-config", config, cwd=tmp_path)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{config}: good; 1 account\n", "")
    assert not (tmp_path / "monitor.db").exists(), "a check must leave nothing behind"
