import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from monitor.judgement.snapshot import Snapshot
from monitor.metrics import Exposition, SelfMetrics
from monitor.metrics.daemon_families import BUILD_INFO
from monitor.metrics.families import FAMILIES
from monitor.metrics.family import ACCOUNT_LABELS

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"
VALUES = re.compile(r"^- `([a-z]+)`([^:]*): ((?:.+\n)(?:  .+\n)*)", re.MULTILINE)
OPEN = {*ACCOUNT_LABELS, *BUILD_INFO.labels, "model", "endpoint", "code", "upstream"}


def told_values() -> dict[str, set[str]]:
    told = defaultdict(set)
    for label, _, values in VALUES.findall(DOCUMENT.read_text()):
        told[label] |= set(re.findall("`([^`]+)`", values))
    return told


def test_the_document_is_what_the_table_says() -> None:
    made = subprocess.run([sys.executable, "-m", "monitor.metrics"], capture_output=True, check=True, text=True)
    assert DOCUMENT.read_text() == made.stdout, "run: python -m monitor.metrics > docs/reference/metrics.md"


def test_everything_exported_is_in_the_table_and_the_other_way_round(snapshot: Snapshot) -> None:
    registry = CollectorRegistry()
    SelfMetrics(registry)
    exposition = Exposition(registry)
    exposition.publish(snapshot)
    families = list(text_string_to_metric_families(exposition.text.decode()))
    exported = {family.name + ("_total" if family.type == "counter" else "") for family in families}
    described = {family.name for family in FAMILIES}
    assert {name for name in exported if not name.startswith("process_")} == described


def test_every_series_has_the_labels_that_the_table_names(snapshot: Snapshot) -> None:
    exposition = Exposition(CollectorRegistry())
    exposition.publish(snapshot)
    labels = {family.name.removesuffix("_total"): set(family.labels) for family in FAMILIES}
    for family in text_string_to_metric_families(exposition.text.decode()):
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == labels[family.name]


def test_the_document_tells_the_values_of_every_label() -> None:
    labels = {label for family in FAMILIES for label in family.labels}
    assert labels - {*ACCOUNT_LABELS, *BUILD_INFO.labels} == set(told_values())


def test_every_value_that_is_exported_under_a_closed_label_is_in_the_document(snapshot: Snapshot) -> None:
    registry = CollectorRegistry()
    SelfMetrics(registry).begin_webhooks("demo")
    exposition = Exposition(registry)
    exposition.publish(snapshot)
    told = told_values()
    samples = (one for each in text_string_to_metric_families(exposition.text.decode()) for one in each.samples)
    pairs = {pair for one in samples for pair in one.labels.items() if pair[0] not in OPEN | {"le"} and pair[1]}
    assert not {(label, value) for label, value in pairs if value not in told[label]}
