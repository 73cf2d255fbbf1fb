from __future__ import annotations

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from monitor.runtime.logs import REDACTED, Outage, Redactor, configure_logging, protect, redact

SHAPED = "key_" + "0123456789abcdef" * 8
CONFIGURED = "p@ssw0rd.without+shape"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def fail(text: str) -> None:
    raise ValueError(text)


@pytest.fixture(autouse=True)
def restored_logging() -> Iterator[None]:
    root = logging.getLogger()
    before = (root.level, list(root.handlers))
    yield
    structlog.reset_defaults()
    root.setLevel(before[0])
    root.handlers[:] = before[1]


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("stream_type", [io.StringIO, Terminal])
def test_a_key_is_taken_out_wherever_it_stands(stream_type: type[io.StringIO]) -> None:
    stream = stream_type()
    configure_logging([SecretStr(CONFIGURED)], stream)
    log = structlog.get_logger("test")
    for secret in (SHAPED, CONFIGURED):
        event = f"read.failed {secret}"
        log.info(event, value=secret, nested={"list": [{secret: (secret,)}]}, raw=secret.encode())
        log.info("read.failed", error=ValueError(secret), headers={"Authorization": f"Bearer {secret}"})
        try:
            fail(secret)
        except ValueError:
            log.exception("read.failed")
            logging.getLogger("aiohttp.server").exception("Error with %s", secret, extra={"more": {"key": secret}})
        logging.getLogger("sqlalchemy.engine").warning("%s", {"secret": secret}, stack_info=True)

    assert stream.getvalue().count(REDACTED) >= 20
    assert SHAPED not in stream.getvalue()
    assert CONFIGURED not in stream.getvalue()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Authorization: Bearer abc.def-1", "Authorization: Bearer [redacted]"),
        ("{'authorization': 'bearer abc'}", "{'authorization': 'bearer [redacted]'}"),
        ('[{"apiKey":"0123abcd","taskType":"x"}]', '[{"apiKey":"[redacted]","taskType":"x"}]'),
        ('[{"apiKey": "0123abcd"}]', '[{"apiKey": "[redacted]"}]'),
        ("[{'apiKey': '0123abcd'}]", "[{'apiKey': '[redacted]'}]"),
        ('b\'[{"apiKey":"0123abcd"}]\'', 'b\'[{"apiKey":"[redacted]"}]\''),
        (r'"[{\"apiKey\":\"0123abcd\"}]"', r'"[{\"apiKey\":\"[redacted]\"}]"'),
        ("postgresql://monitor:hunter2@db:5432/monitor", "postgresql://[redacted]@db:5432/monitor"),
        (f"token={SHAPED}.", "token=[redacted]."),
        ("api_key_env is set", "api_key_env is set"),
        ("http://127.0.0.1:10191/production", "http://127.0.0.1:10191/production"),
    ],
)
def test_what_is_shaped_like_a_secret_is_taken_out_and_nothing_else(text: str, left: str) -> None:
    assert redact(text) == left


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
NESTED = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)


@given(NESTED, st.text())
def test_no_nesting_hides_a_secret(value: Any, around: str) -> None:
    redactor = Redactor()
    redactor.protect([CONFIGURED])

    event = redactor(None, "", {"event": "x", "deep": [{around: (value, f"{around}{CONFIGURED}{around}")}, value]})

    assert CONFIGURED not in repr(event)


def test_what_stands_under_the_name_of_a_key_is_taken_out() -> None:
    event = {"event": "x", "item": {"taskType": "authentication", "apiKey": "0123abcd", "Authorization": "0123abcd"}}

    assert "0123abcd" not in repr(Redactor()(None, "", event))


def test_a_secret_within_another_does_not_leave_the_rest_of_it() -> None:
    redactor = Redactor()
    redactor.protect(["abc", "abcdef", ""])

    assert redactor.text("abcdef abc") == f"{REDACTED} {REDACTED}"


def test_a_key_of_one_letter_does_not_make_every_line_unreadable() -> None:
    redactor = Redactor()
    redactor.protect(["k"])

    assert redactor.text("the key of a task") == "the key of a task"


def test_secrets_told_later_are_taken_out_beside_those_told_before() -> None:
    stream = io.StringIO()
    configure_logging([SecretStr("first-secret")], stream)
    protect(SecretStr("second-secret"))

    structlog.get_logger("test").info("key.rotated", old="first-secret", new="second-secret")

    assert [(line["old"], line["new"]) for line in lines(stream)] == [(REDACTED, REDACTED)]


def test_a_line_off_the_terminal_is_one_json_object_with_its_values_kept() -> None:
    stream = io.StringIO()
    configure_logging((), stream)

    structlog.get_logger("test").info("read.finished", account="production", seconds=0.5, ok=True, nothing=None)

    (line,) = lines(stream)
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "read.finished",
        "level": "info",
        "account": "production",
        "seconds": 0.5,
        "ok": True,
        "nothing": None,
    }


def test_a_terminal_gets_readable_lines_without_a_warning() -> None:
    stream = Terminal()
    configure_logging((), stream)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            fail("told")
        except ValueError:
            structlog.get_logger("test").exception("read.failed", account="production")

    assert "read.failed" in stream.getvalue()
    assert "ValueError: told" in stream.getvalue()
    with pytest.raises(json.JSONDecodeError):
        lines(stream)


def test_request_lines_of_libraries_are_silenced_and_their_warnings_are_not() -> None:
    stream = io.StringIO()
    configure_logging((), stream)
    for library in ("httpx", "httpcore.connection", "alembic", "aiohttp.access"):
        logging.getLogger(library).info("chatter")
        logging.getLogger(library).warning("trouble")
    logging.getLogger("apscheduler.scheduler").warning("a run was skipped, which is counted")

    assert [line["event"] for line in lines(stream)] == ["trouble"] * 4


def test_debug_lines_show_only_when_asked_for() -> None:
    quiet, verbose = io.StringIO(), io.StringIO()
    for stream, level in ((quiet, "info"), (verbose, "debug")):
        configure_logging((), stream, level)
        structlog.get_logger("test").debug("read.started")

    assert (len(lines(quiet)), len(lines(verbose))) == (0, 1)


def test_an_outage_is_logged_when_it_begins_now_and_then_and_when_it_ends() -> None:
    now = [0.0]
    outage = Outage(now=lambda: now[0])
    logged = []
    for second in range(900):
        now[0] = float(second)
        logged += [(second, more)] if (more := outage.failed("timeout")) is not None else []
    assert logged == [(0, {}), (300, {"failures": 301}), (600, {"failures": 601})]
    assert outage.failed("unauthorized") == {"failures": 901}
    assert outage.ended() == {"failures": 901, "outage_seconds": 899}
    assert outage.ended() is None
    assert outage.failed("unauthorized") == {}


def test_causes_that_alternate_are_a_line_each() -> None:
    outage = Outage(now=lambda: 0.0)
    lines = [outage.failed(f"cause {number % 3}") for number in range(100)]
    assert sum(line is not None for line in lines) == 3


def test_endless_causes_are_a_few_lines() -> None:
    outage = Outage(now=lambda: 0.0)
    assert sum(outage.failed(str(number)) is not None for number in range(1000)) < 20


def test_an_outage_that_must_be_quiet_for_a_while_outlasts_single_successes() -> None:
    now = [0.0]
    outage = Outage(60.0, lambda: now[0])
    assert outage.failed("timeout") == {}
    assert (outage.ended(), outage.failed("timeout")) == (None, None)
    now[0] = 60.0
    assert outage.ended() == {"failures": 2, "outage_seconds": 60}
