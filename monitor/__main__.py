"""`python -m monitor` is `genmedia-monitor`."""

from monitor.cli import main

main()
