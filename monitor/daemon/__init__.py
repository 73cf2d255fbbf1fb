"""The running monitor: its parts wired together, its schedule, its start, stop and reload."""
