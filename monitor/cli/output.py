"""What the commands that ask a daemon print: JSON for programs, tables for people."""

from __future__ import annotations

import sys

import msgspec
from rich.console import Console


def print_json(value: object) -> None:
    """Print a value as indented JSON."""
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")


def console(width_without_terminal: int) -> Console:
    """A console as wide as the terminal; without one, as wide as is asked for."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else width_without_terminal)
