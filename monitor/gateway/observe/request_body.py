"""Finds the wanted fields of a request's body while it passes, in whatever coding it was sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from monitor.gateway.observe.json_fields import FieldScanner, ItemScanner
from monitor.http.inflate import Inflater
from monitor.providers.http import Item, Route
from monitor.providers.lenient import json_object, nested

SMALL_BYTES = 64 * 1024


class RequestBody:
    """Looks for the fields of a route in a body with these content `codings`.

    Of a repeated key the scanner takes the first value, and providers' parsers take the last. So a small body in which
    a wanted key is repeated is parsed as a whole.
    """

    def __init__(self, route: Route, codings: str) -> None:
        self._codings = codings
        self._inflater: Inflater | None = None
        self._scanner: FieldScanner | None = None
        self._small: bytearray | None = None
        self._fields = () if route.item_fields else route.model_fields
        if route.item_fields:
            self._scanner = ItemScanner(route.item_fields)
        elif route.model_fields:
            self._scanner = FieldScanner(route.model_fields)
            self._small = bytearray()

    def add(self, chunk: bytes) -> Iterator[None]:
        """Take the next bytes in short steps.

        Raises:
            UndecodedError, BrokenCodingError: as `Inflater.feed`. Fields found before remain.
        """
        scanner = self._scanner
        if scanner is None or not (scanner.wants_more or self._small is not None):
            return
        if self._inflater is None:
            self._inflater = Inflater(self._codings)
        for plain in self._inflater.feed(chunk):
            self._keep(plain)
            if scanner.wants_more:
                scanner.feed(plain)
            elif self._small is None:
                return
            yield

    @property
    def fields(self) -> Mapping[str, str]:
        """The strings found under the route's `model_fields`."""
        if self._scanner is None or not self._fields:
            return {}
        body = bytes(self._small or b"")
        is_repeated = any(body.count(f'"{field.rpartition(".")[2]}"'.encode()) > 1 for field in self._fields)
        document = json_object(body) if is_repeated else None
        if document is None:
            return self._scanner.found
        read = {field: nested(document, *field.split(".")) for field in self._fields}
        return {field: value for field, value in read.items() if isinstance(value, str) and value}

    @property
    def items(self) -> Sequence[Item]:
        """The values found in each element under the route's `item_fields`."""
        return self._scanner.items if isinstance(self._scanner, ItemScanner) else ()

    def _keep(self, plain: bytes) -> None:
        if self._small is not None:
            self._small += plain
            if len(self._small) > SMALL_BYTES:
                self._small = None
