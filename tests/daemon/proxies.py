"""A real proxy in a process of its own, which knows `*.test` as this machine and keeps account of what it was asked."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from proxy.http.proxy import HttpProxyBasePlugin

USER, PASSWORD = "monitor", "p4ss/w@rd-of-the-proxy"
ENCODED = "p4ss%2Fw%40rd-of-the-proxy"


class KnowsTest(HttpProxyBasePlugin):  # type: ignore[misc]
    """Resolves names below `.test`, and writes each peer down."""

    def resolve_dns(self, host: str, port: int) -> tuple[str | None, tuple[str, int] | None]:
        with Path(os.environ["PROXY_SEEN"]).open("a") as seen:
            seen.write(f"{host}:{port}\n")
        return ("127.0.0.1" if host.endswith(".test") else None), None


@dataclass(frozen=True)
class Proxy:
    """A running proxy."""

    port: int
    log: Path

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """With credentials, as a user writes them."""
        return f"http://{USER}:{ENCODED}@127.0.0.1:{self.port}"

    def seen(self) -> set[str]:
        """Whom it connected to."""
        return set(self.log.read_text().split()) if self.log.exists() else set()


@asynccontextmanager
async def proxy(folder: Path) -> AsyncIterator[Proxy]:
    """A proxy that asks for credentials."""
    port_file, log = folder / "proxy.port", folder / "proxy.seen"
    options = ["--port", "0", "--port-file", str(port_file), "--num-workers", "1", "--num-acceptors", "1"]
    options += ["--basic-auth", f"{USER}:{PASSWORD}", "--plugins", "proxies.KnowsTest", "--log-level", "ERROR"]
    environ = {**os.environ, "PROXY_SEEN": str(log), "PYTHONPATH": str(Path(__file__).parent), "HOME": str(folder)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy", *options, env=environ, start_new_session=True
    )
    try:
        async with asyncio.timeout(30):
            while not port_file.exists() or not port_file.read_text().strip():
                await asyncio.sleep(0.02)
        yield Proxy(int(port_file.read_text()), log)
    finally:
        os.killpg(process.pid, 9)
        await process.wait()
