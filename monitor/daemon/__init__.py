"""The running monitor: its parts wired together, its schedule, its start, stop and reload."""

import monitor.runtime.logs  # noqa: F401  # before anything else loads structlog, and Rich with it
