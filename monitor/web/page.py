"""The status page: one account after the other, in plain words, without scripts."""

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
    """What is put into the page; text from elsewhere cannot turn the direction of what stands around it."""
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
        """The page, whether or not there is anything to show yet."""
        return web.Response(text=self.render(), content_type="text/html")

    def render(self) -> str:
        """The page as HTML."""
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
            return "The first evaluation has not ended yet."
        age = wording.duration(max(0.0, self._clock.now() - snapshot.at))
        return f"Figures of {wording.moment(snapshot.at)}, {age} old."
