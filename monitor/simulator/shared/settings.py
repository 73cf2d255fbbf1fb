"""Settings that accounts of both providers have, and the types of their values."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeAlias

import msgspec
from msgspec import Meta, Struct

NotNegative: TypeAlias = Annotated[float, Meta(ge=0)]
Share: TypeAlias = Annotated[float, Meta(ge=0, le=1)]
Count: TypeAlias = Annotated[int, Meta(ge=0)]


class AccountSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which tasks fail.

    `failure_rate` is the share of tasks that fail. `failures` maps each code to its weight in the draw.
    """

    failure_rate: Share = 0.0
    failures: dict[str, NotNegative]

    def changed(self, changes: dict[str, Any]) -> Self:
        """Return these settings with some fields replaced.

        Raises:
            msgspec.ValidationError: a field is unknown or has a wrong value.
        """
        settings = msgspec.convert({**msgspec.to_builtins(self), **changes}, type(self))
        if settings.failure_rate and not sum(settings.failures.values()):
            raise msgspec.ValidationError("`failures` needs a weight above 0 while `failure_rate` is above 0")
        return settings
