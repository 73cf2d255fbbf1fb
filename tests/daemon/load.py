"""Senders of observations, and an independent recount of what they had acknowledged."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any
from uuid import UUID

import aiohttp

Line = dict[str, Any]
Sums = Counter[tuple[str, ...]]

ACCOUNT = "ingested"
MODELS = ("gen4.5", "gen4_turbo", "veo3.1")
CREATE = "/v1/text_to_video"
POLL = "/v1/tasks/{id}"
REQUESTS = (
    (CREATE, "create", "200", "success"),
    (CREATE, "create", "429", "rate_limited"),
    (CREATE, "create", "503", "overloaded"),
    (POLL, "poll", "200", "success"),
    (POLL, "poll", "none", "timeout"),
)
OPEN = ("pending", "throttled", "running")
ENDS = (("succeeded", ""), ("failed", "moderation_input"), ("failed", "internal"), ("cancelled", ""))
SHARED_TASKS = 0.3
LEFT_OPEN = 0.02
BATCH_TASKS = 6
BATCH_REQUESTS = 12
BATCH_LINES = 30
RETRY_SECONDS = 0.02
IMPATIENT = 0.1
USUAL_SECONDS = 0.06


def lifecycle(chance: random.Random, task: str, began: float) -> list[Line]:
    """What is seen of one task, in quarters of a second, so that sums are exact."""
    model, (end, reason) = chance.choice(MODELS), chance.choice(ENDS)
    times = [began]
    for _ in range(3):
        times.append(times[-1] + chance.randrange(2, 40, 2) / 4)
    facts: list[Line] = [
        {"status": "pending", "accepted": True, "endpoint": CREATE},
        {"status": "throttled"},
        {"status": "running"},
        {"status": end, "reason": reason, "credits": chance.randrange(4) * 25},
    ]
    kept = facts[:-1] if chance.random() < LEFT_OPEN else facts
    about = {"type": "task", "account": ACCOUNT, "task": task, "model": model}
    return [{**about, "at": at, **fact} for at, fact in zip(times, kept, strict=False)]


class Sender:
    """Sends batch after batch, each until it is acknowledged, and keeps what was.

    Some tasks are those of the other senders too, who see the same of them: their generator is shared by the seed.
    """

    def __init__(self, name: str, seed: int, began: float) -> None:
        self.acknowledged: list[Line] = []
        self.resent = 0
        self._name = name
        self._chance = random.Random(f"{seed}/{name}")
        self._common = random.Random(f"{seed}/common")
        self._began = began
        self._ids = 0
        self._under_way: list[list[Line]] = []

    async def run(self, url: Callable[[], str], stop: asyncio.Event, session: aiohttp.ClientSession) -> None:
        """Send until told to stop, to wherever the daemon is at the time."""
        while not stop.is_set():
            batch = list(self._batch())
            while not await self._send(batch, url(), session):
                self.resent += 1
                await asyncio.sleep(RETRY_SECONDS)
            self.acknowledged += batch

    async def _send(self, batch: list[Line], url: str, session: aiohttp.ClientSession) -> bool:
        """Whether the batch was acknowledged; now and then the sender does not wait for it."""
        body = "\n".join(map(json.dumps, batch))
        patience = self._chance.uniform(0, 2 * USUAL_SECONDS) if self._chance.random() < IMPATIENT else None
        try:
            async with (
                asyncio.timeout(patience),
                session.post(f"{url}/api/v1/observations", data=body) as reply,
            ):
                answer = await reply.json()
        except (aiohttp.ClientError, TimeoutError):
            return False
        assert not answer["rejected"], answer
        return reply.status == 200

    def _batch(self) -> Iterator[Line]:
        """New requests and tasks, and the next of what is under way, in any order but each task's own."""
        self._under_way += [self._task() for _ in range(BATCH_TASKS)]
        self._under_way += [[self._request()] for _ in range(BATCH_REQUESTS)]
        for _ in range(BATCH_LINES):
            facts = self._chance.choice(self._under_way)
            self._ids += 1
            yield {**facts.pop(0), "id": f"{self._name}/{self._ids}"}
            if not facts:
                self._under_way.remove(facts)

    def _task(self) -> list[Line]:
        shared = self._chance.random() < SHARED_TASKS
        chance = self._common if shared else self._chance
        return lifecycle(chance, str(UUID(int=chance.getrandbits(128), version=4)), self._began)

    def _request(self) -> Line:
        endpoint, kind, code, outcome = self._chance.choice(REQUESTS)
        return {
            "type": "request",
            "account": ACCOUNT,
            "at": self._began,
            "endpoint": endpoint,
            "kind": kind,
            "code": code,
            "outcome": outcome,
            "model": self._chance.choice(MODELS) if kind == "create" else "",
            "duration_seconds": self._chance.randrange(1, 400) / 8,
            "retry": self._chance.random() < 0.2,
        }


def recount(lines: list[Line]) -> dict[str, Sums]:
    """Every figure by its metric, from the lines alone: each stands for one fact, and all saw the same of a task."""
    tasks: dict[str, dict[str, Line]] = {}
    for line in lines:
        if line["type"] == "task":
            tasks.setdefault(line["task"], {})[line["status"]] = line
    requests = [line for line in lines if line["type"] == "request"]
    return {**of_requests(requests), **of_tasks(list(tasks.values()))}


def of_requests(requests: list[Line]) -> dict[str, Sums]:
    labels = ("endpoint", "kind", "model", "code", "outcome")
    seconds: Sums = Counter()
    for line in requests:
        seconds[line["endpoint"], line["kind"]] += line["duration_seconds"]
    return {
        "genmedia_requests_total": Counter(tuple(line[label] for label in labels) for line in requests),
        "genmedia_request_retries_total": Counter((line["endpoint"],) for line in requests if line["retry"]),
        "genmedia_request_duration_seconds_count": Counter((line["endpoint"], line["kind"]) for line in requests),
        "genmedia_request_duration_seconds_sum": seconds,
    }


def of_tasks(tasks: list[dict[str, Line]]) -> dict[str, Sums]:
    """The figures of tasks, each given as its sightings by status."""
    sums: dict[str, Sums] = {name: Counter() for name in TASK_LABELS}
    for seen in tasks:
        model, last = seen["pending"]["model"], max(seen.values(), key=itemgetter("at"))
        sums["genmedia_tasks_created_total"][(model,)] += 1
        if last["status"] in OPEN:
            sums["genmedia_tasks"][model, last["status"]] += 1
            continue
        sums["genmedia_tasks_finished_total"][model, last["status"], last["reason"]] += 1
        if last["status"] != "succeeded" and last["credits"]:
            sums["genmedia_wasted_dollars_total"][model, last["reason"] or last["status"]] += last["credits"] / 100
        for phase, duration in durations(seen, last).items():
            sums["genmedia_task_duration_seconds_count"][model, phase] += 1
            sums["genmedia_task_duration_seconds_sum"][model, phase] += duration
    return sums


def durations(seen: dict[str, Line], last: Line) -> dict[str, float]:
    """Seconds in each phase: a change lies halfway between the sightings around it, a cancellation at its own."""
    created, throttled, running = (seen[status]["at"] for status in ("pending", "throttled", "running"))
    unthrottled = (throttled + running) / 2
    ended = last["at"] if last["status"] == "cancelled" else (running + last["at"]) / 2
    phases = {"throttled": unthrottled - created, "queued": 0.0, "running": ended - unthrottled}
    return {**phases, "total": ended - created}


TASK_LABELS = {
    "genmedia_tasks_created_total": ("model",),
    "genmedia_tasks": ("model", "status"),
    "genmedia_tasks_finished_total": ("model", "outcome", "reason"),
    "genmedia_wasted_dollars_total": ("model", "reason"),
    "genmedia_task_duration_seconds_count": ("model", "phase"),
    "genmedia_task_duration_seconds_sum": ("model", "phase"),
}
LABELS = {
    "genmedia_requests_total": ("endpoint", "kind", "model", "code", "outcome"),
    "genmedia_request_retries_total": ("endpoint",),
    "genmedia_request_duration_seconds_count": ("endpoint", "kind"),
    "genmedia_request_duration_seconds_sum": ("endpoint", "kind"),
    **TASK_LABELS,
}
