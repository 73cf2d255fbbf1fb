"""What is wanted of a request's body, read beside it as it passes, in whatever coding it was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.gateway.fields import FieldScanner, ItemScanner
from monitor.inflate import Inflater
from monitor.providers.base import Item, Route

# A key may be repeated, and vendors' parsers take the last; further than this nobody looks for another.
CHECKED_BYTES = 64 * 1024


class RequestBody:
    """Looks for the fields of a route in a body with these content `codings`."""

    def __init__(self, route: Route, codings: str) -> None:
        self._plain = Inflater(codings)
        self._scanner: FieldScanner | None = None
        if route.item_fields:
            self._scanner = ItemScanner(route.item_fields)
        elif route.model_fields:
            self._scanner = FieldScanner(route.model_fields)
        self._unchecked = CHECKED_BYTES

    def add(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            UndecodedError, BrokenCodingError: as `Inflater.feed`; what was found before stays.
        """
        scanner = self._scanner
        if scanner is None or not self._is_read(scanner):
            return
        for plain in self._plain.feed(chunk):
            if not scanner.wants_more:
                self._unchecked -= len(plain)
            scanner.feed(plain)
            if not self._is_read(scanner):
                return

    @property
    def fields(self) -> Mapping[str, str]:
        """The strings that were found under the route's `model_fields`."""
        return {} if self._scanner is None or isinstance(self._scanner, ItemScanner) else self._scanner.found

    @property
    def items(self) -> Sequence[Item]:
        """What was found of each element under the route's `item_fields`."""
        return self._scanner.items if isinstance(self._scanner, ItemScanner) else ()

    def _is_read(self, scanner: FieldScanner) -> bool:
        return scanner.wants_more or (scanner.is_open and self._unchecked > 0)
