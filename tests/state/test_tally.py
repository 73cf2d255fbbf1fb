import pytest

from monitor.tasks.counters import CounterSpec, observe


@pytest.mark.parametrize(
    ("seconds", "bound"), [(0.0, "1"), (1.0, "1"), (1.01, "2.5"), (3600.0, "3600"), (3600.1, "+Inf")]
)
def test_an_observation_adds_one_to_its_own_bucket_and_its_value_to_the_sum(seconds: float, bound: str) -> None:
    bucket, total = observe("a", CounterSpec.TASK_SECONDS, ("gen4.5", "running"), [seconds])

    assert (("gen4.5", "running", bound), 1.0) == (bucket.labels, bucket.amount)
    assert (("gen4.5", "running", "sum"), seconds) == (total.labels, total.amount)


def test_several_observations_add_to_each_bucket_once_and_their_sum() -> None:
    added = observe("a", CounterSpec.TASK_SECONDS, ("gen4.5", "running"), [2.0, 0.5, 9000.0, 2.5])

    assert {one.labels[-1]: one.amount for one in added} == {"2.5": 2, "1": 1, "+Inf": 1, "sum": 9005.0}


@pytest.mark.parametrize("bounds", [counter.bounds for counter in CounterSpec if counter.bounds])
def test_bounds_rise(bounds: tuple[float, ...]) -> None:
    assert list(bounds) == sorted(set(bounds))


def test_label_values_are_given_by_name_and_kept_in_order() -> None:
    assert CounterSpec.TASKS_FINISHED.values(reason="internal", model="gen4.5") == ("gen4.5", "", "internal")
    with pytest.raises(ValueError, match="reads has no label model"):
        CounterSpec.READS.values(model="gen4.5")


def test_a_stored_name_gives_the_count() -> None:
    assert CounterSpec("requests") is CounterSpec.REQUESTS
