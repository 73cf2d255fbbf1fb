"""A thread that works apart leaves the other's processor to it, and both are free again afterwards."""

import errno
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from engine_bench import Bench
from stores import create

from monitor.engine import engine as engine_module
from monitor.engine.apply import Applied
from monitor.runtime.cpu import apart_from

Processors = set[int]


def watched(thread: int) -> tuple[Processors, Processors]:
    """The processors that `thread` and the calling thread may use while the latter works apart."""
    with apart_from(thread):
        return os.sched_getaffinity(thread), os.sched_getaffinity(0)


@pytest.fixture
def both() -> Processors:
    """Every processor of this test; two at least."""
    allowed = os.sched_getaffinity(0)
    if len(allowed) < 2:
        pytest.skip("needs two processors")
    return allowed


def test_each_has_processors_of_its_own_while_one_works(both: Processors) -> None:
    with ThreadPoolExecutor(1) as pool:
        here, there = pool.submit(watched, threading.get_native_id()).result()
        assert (len(here), here & there, here | there) == (1, set(), both)

        assert os.sched_getaffinity(0) == both
        assert pool.submit(os.sched_getaffinity, 0).result() == both


def test_both_are_free_again_after_work_that_failed(both: Processors) -> None:
    def fail(thread: int) -> None:
        with apart_from(thread):
            raise LookupError("no")

    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(LookupError, match="no"):
            pool.submit(fail, threading.get_native_id()).result()
        assert os.sched_getaffinity(0) == pool.submit(os.sched_getaffinity, 0).result() == both


def test_a_thread_that_begins_meanwhile_is_free_afterwards(both: Processors) -> None:
    def work_apart(thread: int, begun: threading.Barrier, ended: threading.Barrier) -> None:
        with apart_from(thread):
            begun.wait()
            ended.wait()

    begun, ended = threading.Barrier(2, timeout=10), threading.Barrier(2, timeout=10)
    with ThreadPoolExecutor(1) as worker, ThreadPoolExecutor(1) as newcomer:
        work = worker.submit(work_apart, threading.get_native_id(), begun, ended)
        begun.wait()
        assert len(newcomer.submit(os.sched_getaffinity, 0).result()) == 1
        ended.wait()
        work.result()

        assert newcomer.submit(os.sched_getaffinity, 0).result() == both


def test_work_goes_on_where_no_file_descriptor_is_left_to_look_at_threads_with(
    both: Processors, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_more(_: str) -> list[str]:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(os, "listdir", no_more)
    with ThreadPoolExecutor(1) as pool:
        here, there = pool.submit(watched, threading.get_native_id()).result()
        assert (len(here), here | there) == (1, both)
        assert os.sched_getaffinity(0) == pool.submit(os.sched_getaffinity, 0).result() == both


def test_with_one_processor_for_both_nothing_changes(both: Processors) -> None:
    one = {min(both)}
    with ThreadPoolExecutor(1, initializer=os.sched_setaffinity, initargs=(0, one)) as pool:
        os.sched_setaffinity(0, one)
        try:
            assert pool.submit(watched, threading.get_native_id()).result() == (one, one)
        finally:
            os.sched_setaffinity(0, both)


async def test_the_engine_applies_off_the_event_loops_processor(
    both: Processors, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, seen = threading.get_native_id(), []
    apply = engine_module.apply_batch

    def watch(*arguments: Any) -> Applied:
        seen.append((os.sched_getaffinity(loop), os.sched_getaffinity(0)))
        return apply(*arguments)

    monkeypatch.setattr(engine_module, "apply_batch", watch)
    async with bench.running() as engine:
        await engine.submit([create()], "ingest")

    assert all(len(here) == 1 and here | there == both and not here & there for here, there in seen)
    assert seen
    assert os.sched_getaffinity(loop) == both


def test_a_thread_that_is_gone_is_left_alone() -> None:
    gone = threading.Thread(target=lambda: None)
    gone.start()
    gone.join()

    with apart_from(gone.native_id or 0):
        assert os.sched_getaffinity(0)
