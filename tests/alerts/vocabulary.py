"""The series, labels and label values that rules and documents may name: those of the code and of the rules."""

from __future__ import annotations

import re

from alerts import pack
from monitor.metrics.document import document
from monitor.metrics.families import FAMILIES
from monitor.metrics.family import Family, Type

# Made by Prometheus itself, or by its client library in the daemon.
PROMETHEUS_OWN = {"up", "ALERTS", "ALERTS_FOR_STATE", "process_start_time_seconds"}
EXTERNAL_LABELS = {"genmedia_runbooks_url", "genmedia_grafana_url"}
TARGET_LABELS = {"job", "instance"}
MADE_LABELS = {"__name__", "collides"}
OPEN_LABELS = {"code", "endpoint", "model"}
PARTS = ("_bucket", "_sum", "_count")


def series() -> dict[str, Family]:
    """Every exported series name, with its family."""
    found = {}
    for family in FAMILIES:
        names = [family.name + part for part in PARTS] if family.type is Type.HISTOGRAM else [family.name]
        found |= dict.fromkeys(names, family)
    return found


def recorded() -> set[str]:
    """Every series that the rules record."""
    return {rule.name for rule in pack.rules() if not rule.is_alert}


def labels_of(family: Family) -> set[str]:
    """The labels that a family's series may have."""
    return {*family.labels, *TARGET_LABELS, *({"le"} if family.type is Type.HISTOGRAM else ())}


def label_names() -> set[str]:
    """Every label that any series may have."""
    static = {label for rule in pack.rules() for label in rule.body.get("labels", {})}
    return static.union(MADE_LABELS, *map(labels_of, FAMILIES))


def closed_values() -> dict[str, set[str]]:
    """The values of the labels that have a closed set, as the reference of the metrics lists them."""
    found: dict[str, set[str]] = {}
    for label, values in re.findall(r"^- `(\w+)`[^:\n]*: (.+)$", document().split("## Label values")[1], re.MULTILINE):
        if label not in OPEN_LABELS:
            found.setdefault(label, {""}).update(re.findall(r"`([^`]*)`", values))
    return found


def unknown_names(text: str) -> set[str]:
    """What a document names like a series, and nobody exports or records."""
    exported = {*series(), *(family.name for family in FAMILIES)}
    named = set(re.findall(r"\bgenmedia_\w+", text)) | set(pack.RECORDED.findall(text))
    return {name for name in named if not _known(name, exported | recorded() | EXTERNAL_LABELS)}


def _known(name: str, known: set[str]) -> bool:
    """Whether it is a name, or, written `genmedia_monitor_*`, the beginning of names."""
    return name in known or (name.endswith("_") and any(each.startswith(name) for each in known))
