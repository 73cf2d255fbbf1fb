"""The daemon as `genmedia-monitor run` starts it, on a clock that is faster: SPEED EPOCH run --config FILE."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import uvloop

from monitor.config import load
from monitor.daemon.daemon import serve
from monitor.runtime.clock import FastClock
from monitor.runtime.logs import configure_logging

if __name__ == "__main__":
    speed, epoch, _, _, path = sys.argv[1:]
    configure_logging()
    config = load(Path(path), os.environ)
    uvloop.run(serve(config, lambda: config, FastClock(float(speed), float(epoch))))
