from __future__ import annotations

import signal
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import typer
from typer.testing import CliRunner

from monitor.cli.simulate import simulate
from monitor.simulator.runway.server import DEFAULT_KEY

PROGRAM = [sys.executable, "-c", "import typer; from monitor.cli.simulate import simulate; typer.run(simulate)"]


def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(simulate)
    return app


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The program on a free port, and its one line."""
    program = subprocess.Popen(
        [*PROGRAM, "--listen", "127.0.0.1:0", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with program:
        try:
            assert program.stdout is not None
            yield program, program.stdout.readline()
        finally:
            program.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_serves_there_and_stops_cleanly(number: signal.Signals) -> None:
    with started("--tier", "3", "--credits", "77") as (program, line):
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        headers = {"Authorization": f"Bearer {words['RUNWAYML_API_SECRET']}", "X-Runway-Version": "2024-11-06"}
        reply = httpx.get(f"{words['RUNWAYML_BASE_URL']}/v1/organization", headers=headers).json()
        program.send_signal(number)
        out, err = program.communicate(timeout=10)
    assert (reply["creditBalance"], reply["tier"]["models"]["gen4.5"]["maxConcurrentGenerations"]) == (77, 5)
    assert (program.returncode, out, err) == (0, "", "")


def test_a_simulated_runware_says_where_it_is_and_answers_there() -> None:
    with started("--vendor", "runware", "--credits", "77") as (program, line):
        words = dict(word.split("=", 1) for word in line.split() if "=" in word)
        headers = {"Authorization": f"Bearer {words['RUNWARE_API_KEY']}"}
        task = {"taskType": "accountManagement", "taskUUID": str(uuid.uuid4()), "operation": "getDetails"}
        reply = httpx.post(words["http_base_url"], headers=headers, json=[task]).json()
        program.send_signal(signal.SIGTERM)
        out, err = program.communicate(timeout=10)
    assert words["ws_base_url"] == words["http_base_url"].replace("http", "ws")
    assert reply["data"][0]["balance"] == 77
    assert (program.returncode, out, err) == (0, "", "")


def test_a_key_of_ones_own_is_not_printed() -> None:
    with started("--key", "key_private") as (_, line):
        assert "RUNWAYML_BASE_URL=http://127.0.0.1:" in line
        assert "key_private" not in line


def test_a_busy_address_is_one_line_and_exit_1() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        address = f"127.0.0.1:{busy.getsockname()[1]}"
        result = CliRunner().invoke(command(), ["--listen", address])
    assert result.exit_code == 1
    assert result.stderr == f"cannot listen on {address}: Address already in use; choose another address\n"
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "option",
    [
        ("--listen", "nowhere"),
        ("--listen", "127.0.0.1:99999"),
        ("--tier", "9"),
        ("--failure-rate", "2"),
        ("--speed", "0"),
    ],
)
def test_a_wrong_option_is_refused(option: str) -> None:
    assert CliRunner().invoke(command(), [option]).exit_code == 2


def test_the_default_key_is_well_formed() -> None:
    prefix, _, digits = DEFAULT_KEY.partition("_")
    assert (prefix, len(digits)) == ("key", 128)
    assert set(digits) <= set("0123456789abcdef")
