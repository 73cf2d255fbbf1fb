from dataclasses import replace

from monitor.cli.status.watch import Watch
from monitor.views.figures import Figures


def test_the_figures_grow_old_until_there_are_new_ones() -> None:
    watch = Watch(Figures(at=100.0, age_seconds=1.0, accounts=()), 50.0)
    assert watch.age_seconds(50.0) == 1.0
    away = watch.missed("no daemon")
    assert (away.age_seconds(80.0), away.trouble) == (31.0, "no daemon")
    assert away == replace(watch, trouble="no daemon")
