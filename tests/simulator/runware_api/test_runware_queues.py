"""Queues that saturate: latency grows with their depth, then 429, 503 and timeouts."""

from __future__ import annotations

import httpx
from hypothesis import given
from hypothesis import strategies as st
from runware_api.conftest import Post, image, poll

from monitor.runtime.clock import ManualClock
from monitor.simulator.runware.platform.queues import ModelQueue


async def test_latency_grows_with_depth_then_tasks_are_turned_away(
    post: Post, control: httpx.AsyncClient, clock: ManualClock
) -> None:
    await control.patch("/accounts/simulated", json={"capacity": 2, "queue": 4, "seconds": 10, "shed_after": 30})
    statuses = [(await post(image(deliveryMethod="async"))).status_code for _ in range(7)]
    assert statuses == [200] * 6 + [429]
    clock.advance(30)
    tasks = (await control.get("/tasks")).json()
    assert [task["finishedAt"] - task["submittedAt"] for task in tasks] == [10, 10, 20, 20, 30, 30]


async def test_a_queue_that_stays_full_sheds_with_503_until_it_is_half_empty(
    post: Post, control: httpx.AsyncClient, clock: ManualClock
) -> None:
    await control.patch("/accounts/simulated", json={"capacity": 1, "queue": 2, "seconds": 40, "shed_after": 30})

    async def submit() -> int:
        return (await post(image(deliveryMethod="async"))).status_code

    assert [await submit() for _ in range(4)] == [200, 200, 200, 429]
    clock.advance(30)
    assert await submit() == 503
    clock.advance(10)
    assert [await submit() for _ in range(2)] == [200, 429]


async def test_who_waits_too_long_fails_with_a_timeout_and_costs_nothing(
    post: Post, control: httpx.AsyncClient, clock: ManualClock
) -> None:
    await control.patch("/accounts/simulated", json={"capacity": 1, "seconds": 100, "longest_wait": 60})
    await post(image(deliveryMethod="async"))
    late = image(deliveryMethod="async")
    await post(late)
    clock.advance(60)
    assert (await post(poll(late))).json()["errors"][0]["code"] == "timeoutProvider"
    clock.advance(40)
    assert {one["status"]: one["cost"] for one in (await control.get("/tasks")).json()} == {
        "success": 0.0006,
        "error": 0,
    }


async def test_models_have_queues_of_their_own(post: Post, control: httpx.AsyncClient) -> None:
    await control.patch("/accounts/simulated", json={"models": {"runware:100@1": {"capacity": 1, "queue": 0}}})
    first = [(await post(image(deliveryMethod="async"))).status_code for _ in range(2)]
    other = [(await post(image(deliveryMethod="async", model="runware:101@1"))).status_code for _ in range(2)]
    assert (first, other) == ([200, 429], [200, 200])


async def test_new_machines_start_who_waits(post: Post, control: httpx.AsyncClient) -> None:
    await control.patch("/accounts/simulated", json={"capacity": 1})
    for _ in range(3):
        await post(image(deliveryMethod="async"))
    state = (await control.patch("/accounts/simulated", json={"capacity": 8})).json()
    assert state["models"]["runware:100@1"] == {"running": 3, "waiting": 0, "peak": 3}


@given(st.integers(1, 5), st.integers(0, 5), st.lists(st.sampled_from(["enter", "leave", "give up"]), max_size=60))
def test_a_queue_never_holds_more_than_it_may(capacity: int, room: int, steps: list[str]) -> None:
    queue = ModelQueue(lambda: capacity, lambda: room)
    waiting: list[list[bool]] = []
    for now, step in enumerate(steps):
        if step == "enter" and queue.full_for(now) is None:
            gone: list[bool] = []
            waiting.append(gone)
            queue.enter(lambda _, gone=gone: not gone and waiting.remove(gone) is None, now)  # type: ignore[misc]
        elif step == "leave" and queue.active:
            queue.leave(now)
        elif step == "give up" and waiting:
            waiting.pop().append(True)
            queue.give_up()
        assert queue.active <= capacity
        assert queue.waiting == len(waiting) <= room
        assert not waiting or queue.active == capacity
