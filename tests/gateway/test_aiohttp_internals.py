"""What monitor/http/aiohttp_internals.py relies on inside aiohttp has the shape that it expects."""

from __future__ import annotations

import ast
import asyncio
import inspect
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import aiohttp
import pytest
from aiohttp import base_protocol, client_proto, compression_utils, helpers, http_exceptions, http_writer, streams, web
from packaging.requirements import Requirement
from packaging.version import Version
from yarl import URL

import monitor
from monitor.http import aiohttp_internals
from monitor.http.aiohttp_internals import ReplyConnection, ReplyConnector

# Of aiohttp's submodules these are documented.
DOCUMENTED = {"aiohttp", "aiohttp.web", "aiohttp.abc", "aiohttp.typedefs"}
CALLS = [
    (web.BaseRunner._make_server, ["self"]),
    (web.BaseRunner._cleanup_server, ["self"]),
    (web.AppRunner._make_server, ["self"]),
    (web.RequestHandler.data_received, ["self", "data"]),
    (web.RequestHandler.set_parser, ["self", "parser", "data_received_cb"]),
    (aiohttp.ClientRequest.update_expect_continue, ["self", "expect"]),
    (client_proto.ResponseHandler.__init__, ["self", "loop"]),
    (client_proto.ResponseHandler.data_received, ["self", "data"]),
    (client_proto.ResponseHandler.set_exception, ["self", "exc", "exc_cause"]),
    (client_proto.ResponseHandler.set_parser, ["self", "parser", "payload", "data_received_cb"]),
    (client_proto.ResponseHandler.start_timeout, ["self"]),
    (helpers.set_exception, ["fut", "exc", "exc_cause"]),
    (compression_utils.ZLibDecompressor.decompress_sync, ["self", "data", "max_length"]),
    (compression_utils.BrotliDecompressor.decompress_sync, ["self", "data", "max_length"]),
    (compression_utils.ZSTDDecompressor.decompress_sync, ["self", "data", "max_length"]),
    (http_writer.StreamWriter.drain, ["self"]),
]  # fmt: skip
NAMES = [
    (web.RequestHandler, "_current_request"),
    (web.RequestHandler, "_messages"),
    (aiohttp.ClientRequest, "_continue"),
    (aiohttp.ClientResponse, "connection"),
    (client_proto.ResponseHandler, "read_timeout"),
    (client_proto.ResponseHandler, "set_response_params"),
    (base_protocol.BaseProtocol, "writing_paused"),
    (base_protocol.BaseProtocol, "transport"),
    (base_protocol.BaseProtocol, "pause_reading"),
    (base_protocol.BaseProtocol, "resume_reading"),
    (compression_utils.ZLibDecompressor, "data_available"),
    (compression_utils.BrotliDecompressor, "data_available"),
    (compression_utils.ZSTDDecompressor, "data_available"),
    (helpers, "_EXC_SENTINEL"),
    (streams, "EMPTY_PAYLOAD"),
    (http_exceptions.HttpProcessingError(), "message"),
]  # fmt: skip


@pytest.mark.parametrize(("function", "parameters"), CALLS, ids=lambda value: getattr(value, "__qualname__", ""))
def test_an_internal_function_takes_what_it_is_given(function: Callable[..., object], parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters


@pytest.mark.parametrize(("owner", "name"), NAMES, ids=lambda value: value if isinstance(value, str) else "")
def test_an_internal_name_exists(owner: object, name: str) -> None:
    assert hasattr(owner, name)


async def test_a_connection_to_a_provider_is_one_of_ours_and_holds_the_body_it_reads() -> None:
    connector = ReplyConnector(ReplyConnection)
    connection = connector._factory()
    assert type(connection) is ReplyConnection
    assert connection._payload is None
    assert connection.transport is None
    await connector.close()


async def test_a_runner_of_an_application_makes_a_server_with_its_handler_and_its_requests() -> None:
    runner = web.AppRunner(web.Application())
    server = await runner._make_server()
    assert callable(server.request_handler)
    assert callable(server.request_factory)
    await runner.cleanup()


async def test_a_request_that_expects_to_continue_waits_for_a_future() -> None:
    request = aiohttp.ClientRequest("POST", URL("http://127.0.0.1/"), loop=asyncio.get_running_loop(), expect100=True)
    assert isinstance(request._continue, asyncio.Future)


def test_aiohttp_is_kept_below_its_next_minor_version() -> None:
    stated = next(Requirement(line) for line in _dependencies() if line.startswith("aiohttp"))
    installed = Version(version("aiohttp"))
    assert installed in stated.specifier
    assert f"{installed.major}.{installed.minor + 1}.0" not in stated.specifier


def test_one_file_alone_imports_what_aiohttp_does_not_document() -> None:
    root = Path(monitor.__file__).parent
    found = {file.name for file in root.rglob("*.py") if set(_imported(file)) - DOCUMENTED}
    assert found == {Path(aiohttp_internals.__file__).name}


def _dependencies() -> list[str]:
    root = Path(monitor.__file__).parent.parent
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]["dependencies"]


def _imported(file: Path) -> Iterator[str]:
    """The modules of aiohttp that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "aiohttp":
            yield str(node.module)
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names if each.name.split(".")[0] == "aiohttp")
