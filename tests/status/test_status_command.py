import json
import signal
import subprocess
import sys

import pytest
from aiohttp.test_utils import TestServer
from msgspec.structs import replace
from status.terminal import call, terminal
from web.listeners import Daemon as Listener

TO_THE_SCREEN, OFF_THE_SCREEN = "\x1b[?1049h", "\x1b[?1049l"
HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


async def test_without_a_terminal_it_prints_once_in_plain_text(url: str) -> None:
    status, output, errors = await call("--url", url)
    assert (status, errors) == (0, "")
    assert output.startswith(f"{url.rstrip('/')}, updated 3 s ago (2026-11-22 14:30:00 UTC)\n")
    assert "$182.40, 18,240 credits" in output
    assert "\x1b" not in output
    assert max(map(len, output.splitlines())) <= 80


async def test_a_terminal_without_unicode_gets_plain_bars(url: str) -> None:
    status, output, errors = await call("--url", url, PYTHONIOENCODING="latin-1")
    assert (status, errors) == (0, "")
    assert "5 of 5  -----" in output
    assert "\\<b>" in output


async def test_json_is_for_scripts(url: str) -> None:
    status, output, errors = await call("--url", url, "--json", "--account", "staging", "--account", "production")
    assert (status, errors) == (0, "")
    told = json.loads(output)
    assert [account["account"] for account in told["accounts"]] == ["production", "staging"]
    assert told["accounts"][0]["models"][0]["throttled"] == 198
    assert told["accounts"][0]["unlisted_models"] == 3
    assert told["accounts"][1]["balance_dollars"] is None


async def test_json_of_all_lists_every_model(url: str) -> None:
    _, output, _ = await call("--url", url, "--json", "--all", "--account", "production")
    (account,) = json.loads(output)["accounts"]
    assert len(account["models"]) == 7


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--url", "http://127.0.0.1:9"], "genmedia-monitor: no daemon answers at http://127.0.0.1:9 "),
        (["--url", "nonsense"], "genmedia-monitor: --url: not a URL of a daemon"),
    ],
)
async def test_figures_that_cannot_be_had_are_one_line_and_status_1(arguments: list[str], told: str) -> None:
    status, output, errors = await call(*arguments)
    assert (status, output, errors.count("\n")) == (1, "", 1)
    assert errors.startswith(told)


async def test_an_unknown_account_is_one_line_and_status_1(url: str) -> None:
    assert await call("--url", url, "--account", "nobody") == (
        1,
        "",
        "genmedia-monitor: no account is named 'nobody'; the daemon watches production, staging, runware\n",
    )


@pytest.mark.parametrize("interval", ["2", "fast", "1ms"])
async def test_an_interval_that_is_none_is_refused(interval: str) -> None:
    status, output, errors = await call("--interval", interval)
    assert (status, output) == (2, "")
    assert "--interval" in errors


async def test_a_terminal_is_printed_to_once_when_asked(url: str) -> None:
    async with terminal("--once", "--url", url) as once:
        assert await once.end() == 0
        await once.until(lambda screen: "staging" in screen)
    assert OFF_THE_SCREEN not in once.raw
    assert "\x1b[31m" in once.raw


async def test_no_color_is_respected(url: str) -> None:
    async with terminal("--once", "--url", url, NO_COLOR="1") as once:
        assert await once.end() == 0
        await once.until(lambda screen: "staging" in screen)
    assert not any(f"\x1b[{code}m" in once.raw for code in (31, 32, 33))


@pytest.mark.parametrize("leave", ["ctrl-c", "SIGTERM"])
async def test_the_live_view_follows_and_gives_the_terminal_back(listener: Listener, url: str, leave: str) -> None:
    async with terminal("--url", url, "--interval", "100ms") as live:
        await live.until(lambda screen: "14:30:00 UTC" in screen and "198" in screen)
        assert listener.snapshot is not None
        account = listener.snapshot.accounts[0]
        (retries,) = [series for series in account.series if series.counter == "request_retries"]
        series = [replace(one, value=27.0) if one is retries else one for one in account.series]
        later = (replace(account, series=tuple(series)), *listener.snapshot.accounts[1:])
        listener.snapshot = replace(listener.snapshot, at=listener.snapshot.at + 5, accounts=later)
        screen = await live.until(lambda screen: "14:30:05 UTC" in screen and "staging" in screen)
        assert "27 were retries" in screen
        assert "last 5 min" in screen
        if leave == "ctrl-c":
            live.type(b"\x03")
        else:
            live.signal(signal.SIGTERM)
        assert await live.end() == 0
    assert live.raw.rindex(OFF_THE_SCREEN) > live.raw.rindex(TO_THE_SCREEN)
    assert live.raw.rindex(SHOW_CURSOR) > live.raw.rindex(HIDE_CURSOR)
    assert "Traceback" not in live.raw
    assert "Aborted" not in live.raw


async def test_a_live_view_outlives_the_daemon(listener: Listener) -> None:
    server = TestServer(listener.listener())
    await server.start_server()
    port = server.port
    async with terminal("--url", f"http://127.0.0.1:{port}", "--interval", "100ms") as live:
        await live.until(lambda screen: "staging" in screen)
        await server.close()
        screen = await live.until(lambda screen: "no daemon answers at" in screen and "staging" in screen)
        assert " ago (2026-11-22 14:30:00 UTC)" in screen
        assert "$182.40" in screen
        server = TestServer(listener.listener(), port=port)
        await server.start_server()
        await live.until(lambda screen: "updated 3 s ago" in screen and "no daemon" not in screen)
        live.type(b"\x03")
        assert await live.end() == 0
    await server.close()


async def test_a_live_view_needs_a_daemon_to_begin(listener: Listener, url: str) -> None:
    listener.snapshot = None
    async with terminal("--url", url) as live:
        assert await live.end() == 1
        await live.until(lambda screen: "not ready yet" in screen)
    assert live.raw.count("\n") <= 2
    assert TO_THE_SCREEN not in live.raw


def test_other_commands_do_not_load_it() -> None:
    program = "import sys, monitor.cli; print('monitor.cli.status.live' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize("modules", ["monitor.cli", "monitor.cli, monitor.cli.status.live"])
def test_version_and_status_load_neither_the_database_nor_the_configuration(modules: str) -> None:
    program = f"import sys, {modules}; print({{'sqlalchemy', 'pydantic', 'monitor.config'}} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout == "set()\n"
