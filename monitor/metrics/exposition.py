"""What a scrape gets: rendered once, served many times."""

from __future__ import annotations

import asyncio
import gzip
import threading
import time
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.openmetrics import exposition as openmetrics

from monitor.judgement.snapshot import Snapshot
from monitor.metrics import text
from monitor.metrics.text import AccountText, Sections

STALE_SECONDS = 10.0
GZIP_LEVEL = 3  # a third of the time of level 6, a tenth larger
END = b"# EOF\n"


class Rendered(NamedTuple):
    """One exposition in one format, plain and compressed."""

    content_type: str
    text: bytes
    gzipped: bytes


class Exposition:
    """The registry's metrics and the account families of the newest snapshot.

    Rendering costs about 2 us a line. Prometheus's text format 0.0.4 is rendered when figures change, in the caller's
    thread. OpenMetrics is rendered in a thread when it is first asked for, at most once between two changes.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._account_text = AccountText()
        self._sections: Sections = []
        self._rendering = threading.Lock()
        self._openmetrics: Rendered | None = None
        self._openmetrics_turn = asyncio.Lock()
        self.refresh()

    @property
    def text(self) -> bytes:
        """The exposition in the text format 0.0.4."""
        return self.plain.text

    def publish(self, snapshot: Snapshot) -> None:
        """Render `snapshot` in place of the one before."""
        self._sections = self._account_text.sections(snapshot)
        self.refresh()

    def refresh(self) -> None:
        """Render the registry's metrics; the accounts stay as they were."""
        with self._rendering:
            body = generate_latest(self._registry) + text.plain(self._sections)
            self.plain = _rendered(CONTENT_TYPE_PLAIN_0_0_4, body)
            self._openmetrics = None
            self._rendered_at = time.monotonic()

    async def openmetrics(self) -> Rendered:
        """The exposition in OpenMetrics 1.0.0."""
        async with self._openmetrics_turn:
            rendered = self._openmetrics
            return rendered if rendered is not None else await asyncio.to_thread(self._render_openmetrics)

    async def keep_fresh(self) -> None:
        """Render the registry's metrics where no evaluation has done so for a while: it may fail, or hang."""
        if time.monotonic() - self._rendered_at > STALE_SECONDS and not self._rendering.locked():
            await asyncio.to_thread(self.refresh)

    def _render_openmetrics(self) -> Rendered:
        with self._rendering:
            if self._openmetrics is not None:  # rendered for a scraper that has hung up
                return self._openmetrics
            own = openmetrics.generate_latest(self._registry).removesuffix(END)  # type: ignore[no-untyped-call]
            body = own + text.openmetrics(self._sections) + END
            self._openmetrics = rendered = _rendered(openmetrics.CONTENT_TYPE_LATEST, body)
        return rendered


def _rendered(content_type: str, body: bytes) -> Rendered:
    return Rendered(content_type, body, gzip.compress(body, GZIP_LEVEL))
