"""Fetching an account's API key from where the configuration says it is.

What was fetched, and whatever a command printed, never shows in a fault.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import ssl
import stat
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import structlog
from pydantic import SecretStr

from monitor.config.files import TooLongError, read_descriptor, read_file
from monitor.http.trust import trust
from monitor.runtime.logs import protect, redact

COMMAND_TIMEOUT_SECONDS = 10.0
LONGEST_KEY_BYTES = 64 * 1024
LARGEST_BUNDLE_BYTES = 4 * 1024 * 1024
CONVENTIONAL_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,99}")
CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----")
SENDABLE = re.compile(r"[!-~]+")
PATH_SECRET = re.compile(r"[A-Za-z0-9_-]{16,256}")
QUOTES = "'\""
API_KEY = "the API key"

COMMAND_FAULTS = {
    TimeoutError: "the command took longer than {:g} s; make it faster",
    subprocess.TimeoutExpired: "the command took longer than {:g} s; make it faster",
    TooLongError: "the command printed more than a key; let it print the API key only",
    UnicodeDecodeError: "the command printed something that is not text; let it print the API key only",
}

log = structlog.get_logger(__name__)


class NoKeyError(Exception):
    """Why no key could be had: what is wrong and what to do, without the place."""


def clean_key(text: str, what: str = API_KEY) -> SecretStr:
    """The key, less the white space around it; a message calls it `what`.

    Raises:
        NoKeyError: nothing is left, it is in quotes, or what is left cannot be sent in a header.
    """
    key = text.strip()
    if not key:
        raise NoKeyError(f"the key is empty; put {what} there")
    if key[0] == key[-1] in QUOTES:
        raise NoKeyError(f"the key is in quotes; put {what} there without them")
    if re.search(r"\s", key):
        raise NoKeyError(f"the key has white space inside; put {what} there and nothing else")
    if not SENDABLE.fullmatch(key):
        raise NoKeyError("the key has characters that no header can carry; copy it again")
    return protect(SecretStr(key))


def key_from_env(variable: str, environ: Mapping[str, str], what: str = API_KEY) -> SecretStr:
    """The key in an environment variable."""
    if not variable.isprintable() or variable not in environ:
        # A name out of convention may be the key itself, put in the wrong place: it is not repeated.
        name = f"variable {variable}" if CONVENTIONAL_VARIABLE.fullmatch(variable) else "the variable named here"
        raise NoKeyError(f"{name} is not set; set it to {what}")
    return clean_key(environ[variable], what)


def key_from_file(path: Path, what: str = API_KEY) -> SecretStr:
    """The key in a file; a file that everybody may read is worth a warning."""
    try:
        text = read_file(path, LONGEST_KEY_BYTES).decode()
        mode = path.stat().st_mode
    except OSError as error:
        raise NoKeyError(f"cannot read {redact(str(path))}: {error.strerror}; check path and permissions") from None
    except ValueError:  # too long, not text, or no name that a file can have
        raise NoKeyError(f"the file is not text; put {what} there and nothing else") from None
    if stat.S_ISREG(mode) and mode & stat.S_IROTH:
        log.warning("secret_file.exposed", path=str(path), advice="make it readable by its owner only (chmod 600)")
    return clean_key(text, what)


def read_authorities(path: Path) -> str:
    """The certificates of authorities in a file, as PEM text; what stands between them is left out.

    Raises:
        NoKeyError: it cannot be read, or holds none.
    """
    try:
        text = read_file(path, LARGEST_BUNDLE_BYTES).decode(errors="ignore")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or ("too long" if isinstance(error, TooLongError) else "not a path")
        raise NoKeyError(f"cannot read {redact(str(path))}: {reason}; check path and permissions") from None
    authorities = "\n".join(CERTIFICATE.findall(text))
    try:
        if authorities:
            trust(authorities)
            return authorities
    except (ssl.SSLError, ValueError):
        pass
    raise NoKeyError(f"{redact(str(path))} holds no certificate that can be read; give a bundle in PEM form")


def key_from_command(command: str, environ: Mapping[str, str]) -> SecretStr:
    """The key that a command prints; it runs without a shell, with the daemon's environment."""
    try:
        words = shlex.split(command)
    except ValueError:
        raise NoKeyError("its quotes do not close; check the command") from None
    if not words:
        raise NoKeyError("the command is empty; give one that prints the API key")
    return clean_key(_run(words, environ))


def _run(words: list[str], environ: Mapping[str, str]) -> str:
    descriptor, its_end = os.pipe()
    try:
        try:
            process = _start(words, environ, its_end)
        finally:
            os.close(its_end)
        output = _output(process, descriptor)
    finally:
        os.close(descriptor)
    if process.returncode != 0:
        raise NoKeyError(f"the command failed with status {process.returncode}; run it by hand to see why")
    return output


def _start(words: list[str], environ: Mapping[str, str], stdout: int) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603  # running the user's own command is the purpose
            words,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a command"
        raise NoKeyError(f"the command cannot be started: {reason}; check the command") from None


def _output(process: subprocess.Popen[bytes], descriptor: int) -> str:
    """What it prints to its end of the pipe, once it has ended."""
    until = time.monotonic() + COMMAND_TIMEOUT_SECONDS
    try:
        output = read_descriptor(descriptor, LONGEST_KEY_BYTES, COMMAND_TIMEOUT_SECONDS)
        process.wait(max(0.0, until - time.monotonic()))
        return output.decode()
    except BaseException as error:
        _end(process)
        if fault := next((fault for kind, fault in COMMAND_FAULTS.items() if isinstance(error, kind)), None):
            raise NoKeyError(fault.format(COMMAND_TIMEOUT_SECONDS)) from None
        raise


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and all its children: one that keeps the pipe open may have outlived it."""
    with suppress(OSError):  # they have ended, or run as another user, by sudo
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def webhook_secret_sources(base: Path, environ: Mapping[str, str]) -> dict[str, Callable[[str], SecretStr]]:
    """Every source of a webhook's secret, likewise.

    Their callers raise `NoKeyError` also for a secret that could be guessed or is no segment of a path.
    """
    return {
        "secret_env": lambda variable: _unguessable(key_from_env(variable, environ, "the secret")),
        "secret_file": lambda path: _unguessable(key_from_file(base / path, "the secret")),
    }


def _unguessable(secret: SecretStr) -> SecretStr:
    if not PATH_SECRET.fullmatch(secret.get_secret_value()):
        raise NoKeyError("the secret cannot be used; make it 16 to 256 letters, digits, - and _")
    return secret


def key_sources(base: Path, environ: Mapping[str, str]) -> dict[str, Callable[[str], SecretStr]]:
    """Every key source by the name of its key in the file; relative paths start at `base`."""
    return {
        "api_key_env": lambda variable: key_from_env(variable, environ),
        "api_key_file": lambda path: key_from_file(base / path),
        "api_key_command": lambda command: key_from_command(command, environ),
    }
