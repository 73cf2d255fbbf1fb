"""The status page: every account in plain words, without scripts."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from monitor import __version__
from monitor.judgement.snapshot import Snapshot
from monitor.runtime.clock import Clock
from monitor.views import formatting as wording
from monitor.web.guard import CSS
from monitor.web.view import account_view


def _visible(value: object) -> object:
    """A value made safe to show: text from elsewhere cannot change the direction of the text around it."""
    return wording.printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


class StatusPage:
    """Handler of `/`."""

    def __init__(self, snapshot: Callable[[], Snapshot | None], ready: Callable[[], list[str]], clock: Clock) -> None:
        self._snapshot = snapshot
        self._ready = ready
        self._clock = clock
        environment = Environment(
            loader=PackageLoader("monitor.web"),
            autoescape=True,
            undefined=StrictUndefined,
            finalize=_visible,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._template = environment.get_template("status.html")

    async def show(self, _: web.Request) -> web.Response:
        """Serve the page, even before the first evaluation."""
        return web.Response(text=self.render(), content_type="text/html")

    def render(self) -> str:
        """Render the page as HTML."""
        snapshot = self._snapshot()
        return self._template.render(
            css=Markup(CSS),  # noqa: S704 - a file of this package
            version=__version__,
            reasons=self._ready(),
            evaluated=self._evaluated(snapshot),
            old=snapshot is not None and self._clock.now() - snapshot.at > wording.OLD_AFTER_SECONDS,
            accounts=[account_view(account, snapshot.at) for account in snapshot.accounts] if snapshot else [],
        )

    def _evaluated(self, snapshot: Snapshot | None) -> str:
        if snapshot is None:
            return "No figures yet: the first evaluation has not finished."
        age = wording.duration(max(0.0, self._clock.now() - snapshot.at))
        return f"Updated {age} ago ({wording.moment(snapshot.at)})"
