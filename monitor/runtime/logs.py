"""Logs: one line for each event, JSON for machines, pretty on a terminal, and never a key.

Events are named `noun.verb_past` and carry their data in keys. Lines of libraries pass through the same processors, so
secrets are redacted everywhere: in the event, in values at any depth, in exception texts.
"""

from __future__ import annotations

import logging
import math
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TextIO

import structlog
from pydantic import SecretStr
from structlog.typing import EventDict, Processor, WrappedLogger

REDACTED = "[redacted]"
# Keys that begin with `key_`, at any length; keys that are told by where they stand in a message only; a
# URL's password may stand in the store's address.
SECRET_SHAPES = re.compile(
    r"\bkey_\w+|(?<=bearer )[^\s\"',;]+|(?<=://)[^\s/:@]*:[^\s/@]*(?=@)"
    r"|(?:(?<=apikey['\"]:['\"])|(?<=apikey['\"]: ['\"])|(?<=apikey\\\":\\\")|(?<=apikey\\\": \\\"))[^'\"\\]+",
    re.IGNORECASE,
)
SECRET_NAMES = frozenset({"apikey", "authorization"})
# What is shorter keeps no secret, and taken out of every word it would leave nothing to read.
LEAST_LENGTH = 3
SECONDS_BETWEEN_LINES = 60.0
REMINDER_SECONDS = 300.0
MOST_CAUSES = 16
# At INFO these say a line or more for each request or each scheduled run.
CHATTY_LIBRARIES = ("aiohttp.access", "alembic", "httpcore", "httpx")
# It warns of each run that it skips, which `genmedia_monitor_jobs_missed_total` counts.
WARNING_LIBRARIES = ("apscheduler",)

# They warn of odd cookies and headers, and quote what the vendor sent.
QUOTING_LIBRARIES = ("aiohttp.client", "aiohttp.internal")


class Redactor:
    """A structlog processor that removes secrets, by their shape and, if it knows them, by their value."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._exact: re.Pattern[str] | None = None

    def protect(self, secrets: Iterable[str]) -> None:
        """Remove these values too from now on, with those from before."""
        self._secrets |= {secret for secret in secrets if len(secret) >= LEAST_LENGTH}
        longest_first = sorted(self._secrets, key=len, reverse=True)
        self._exact = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def text(self, text: str) -> str:
        """`text` less every secret."""
        return SECRET_SHAPES.sub(REDACTED, self._exact.sub(REDACTED, text) if self._exact else text)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {self.text(str(key)): self._clean(value) for key, value in event.items()}

    def _clean(self, value: object) -> object:
        """The value as plain data. Anything else becomes its redacted text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._under(key, item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self._clean(item) for item in value]
        return self.text(value if isinstance(value, str) else repr(value))

    def _under(self, key: object, value: object) -> object:
        return REDACTED if str(key).lower() in SECRET_NAMES else self._clean(value)


class Seldom:
    """Whether a line of this kind may be logged again: once a minute."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    def __call__(self, kind: str = "") -> bool:
        now = time.monotonic()
        if now - self._at.get(kind, -math.inf) < SECONDS_BETWEEN_LINES:
            return False
        self._at[kind] = now
        return True


class Outage:
    """Something that fails again and again. It is logged when it begins, every five minutes, and when it ends.

    Each cause has its own line, so that two that alternate do not make one a failure. The outage ends with a success
    that comes `quiet_seconds` after the last failure. `now` gives seconds on a clock that never steps.
    """

    def __init__(self, quiet_seconds: float = 0.0, now: Callable[[], float] = time.monotonic) -> None:
        self._quiet_seconds = quiet_seconds
        self._now = now
        self._logged_at: dict[str, float] = {}
        self._began_at = self._failed_at = 0.0
        self._failures = 0

    def failed(self, cause: str) -> dict[str, int] | None:
        """Note a failure. Returns what to add to its log line, None if it needs no line."""
        now = self._now()
        self._began_at = self._began_at if self._failures else now
        self._failed_at = now
        self._failures += 1
        if now - self._logged_at.get(cause, -math.inf) < REMINDER_SECONDS or len(self._logged_at) > MOST_CAUSES:
            return None
        self._logged_at[cause] = now
        return {"failures": self._failures} if self._failures > 1 else {}

    def ended(self) -> dict[str, int] | None:
        """Note a success. Returns what to add to the line that says so, None if no outage ends with it."""
        if not self._failures or self._now() - self._failed_at < self._quiet_seconds:
            return None
        facts = {"failures": self._failures, "outage_seconds": round(self._now() - self._began_at)}
        self._failures = 0
        self._logged_at.clear()
        return facts


_redactor = Redactor()


def protect(secret: SecretStr) -> SecretStr:
    """Keep this value out of every log line of the process from now on. Returns it."""
    _redactor.protect([secret.get_secret_value()])
    return secret


def redact(text: str) -> str:
    """`text` less every protected value, and all shaped like a key, a bearer token or a URL's user and password."""
    return _redactor.text(text)


def configure_logging(secrets: Iterable[SecretStr] = (), stream: TextIO | None = None, level: str = "info") -> None:
    """Send every log line of the process to `stream` (standard error), pretty where that is a terminal."""
    for secret in secrets:
        protect(secret)
    stream = stream or sys.stderr
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *before],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _redactor,
                _renderer(pretty=stream.isatty()),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for library in CHATTY_LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    for library in WARNING_LIBRARIES:
        logging.getLogger(library).setLevel(logging.ERROR)
    for library in QUOTING_LIBRARIES:
        logging.getLogger(library).setLevel(logging.CRITICAL)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _renderer(*, pretty: bool) -> Processor:
    if pretty:
        # The exception is text by now: a richer formatter would print it from its source, past the redactor.
        return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    return structlog.processors.JSONRenderer(ensure_ascii=False)
