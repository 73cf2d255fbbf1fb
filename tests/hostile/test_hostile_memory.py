"""Bodies of megabytes, one after the other and in several threads."""

import platform
import subprocess
import sys

import pytest

PROGRAM = """
import threading
from pathlib import Path
from monitor.runtime.lean import give_back_large_blocks

def memory():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) // 1024

def work():
    for _ in range(4):
        body = bytes(bytearray(b"x" * (20 << 20)))
        kept.append([bytes(100) for _ in range(1000)])

give_back_large_blocks()
before, kept = memory(), []
for threads in (1, 6):
    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
print(memory() - before)
"""
MOST_LEFT_MEBIBYTES = 60


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps large blocks that were freed")
def test_large_bodies_leave_no_memory_behind() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) < MOST_LEFT_MEBIBYTES
