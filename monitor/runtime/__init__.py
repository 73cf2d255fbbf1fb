"""What the process runs on: its clock, its logs, its memory and its processors."""
