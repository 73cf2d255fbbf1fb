"""What panels are made of: queries, colours, and properties of single series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common, prometheus
from grafana_foundation_sdk.models import dashboard as models

from dashboards.src.words import HARD, LEVEL, OK, SOFT, select

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")


Steps = Sequence[tuple[float, str]]
"""Colours from a value on."""


@dataclass(frozen=True)
class Query:
    """An expression, with the selectors' names of `words`, and the name of its series."""

    expr: str
    legend: str = ""
    ref: str = ""


def targets(queries: Sequence[Query], *, instant: bool, format_: prometheus.PromQueryFormat) -> list[Dataquery]:
    """The queries as a panel has them, answered for the present or over the time shown."""
    return [
        prometheus.Dataquery(
            datasource=SOURCE,
            editor_mode=prometheus.QueryEditorMode.CODE,
            expr=select(query.expr),
            format_val=format_,
            instant=instant,
            legend_format=query.legend,
            range_val=not instant,
            ref_id=query.ref or chr(ord("A") + number),
        )
        for number, query in enumerate(queries)
    ]


def thresholds(steps: Steps, *, base: str) -> models.ThresholdsConfig:
    """Colours from values on, and `base` below the first of them."""
    all_steps = [(None, base), *steps]
    return models.ThresholdsConfig(
        mode=models.ThresholdsMode.ABSOLUTE,
        steps=[models.Threshold(value=value, color=colour) for value, colour in all_steps],
    )


def mappings(words: Mapping[str, tuple[str, str]]) -> list[models.ValueMapping]:
    """Values replaced by a text in a colour."""
    results = {value: models.ValueMappingResult(text=text, color=colour) for value, (text, colour) in words.items()}
    return [models.ValueMap(options=results)] if results else []


def fixed(colour: str) -> models.FieldColor:
    """One colour, whatever the value."""
    return models.FieldColor(mode=models.FieldColorModeId.FIXED, fixed_color=colour)


def override(matcher: str, what: str, **properties: object) -> models.DashboardFieldConfigSourceOverrides:
    """Properties of the fields that match; `__` in a property's name stands for a dot."""
    return models.DashboardFieldConfigSourceOverrides(
        matcher=models.MatcherConfig(id_val=matcher, options=what),
        properties=[
            models.DynamicConfigValue(id_val=name.replace("__", "."), value=value) for name, value in properties.items()
        ],
    )


def painted(colours: Mapping[str, str]) -> list[models.DashboardFieldConfigSourceOverrides]:
    """Overrides that give the series of these names their colours."""
    return [override("byName", name, color=fixed(colour)) for name, colour in colours.items()]


def graded(
    expr: str, threshold: str, labels: str, *, legend: str, low: bool = False, otherwise: str = ""
) -> list[Query]:
    """Queries of which one answers: the value where it is fine, past soft, past hard, or `otherwise` where is none.

    `threshold` is a selector of series with a level, matched by `labels`; `low` says that small values are the bad
    ones. So the colour follows the configured thresholds.
    """
    past, short_of = ("<=", ">") if low else (">=", "<")
    soft, hard = (f"on ({labels}) group_left () {threshold.replace('@level', level)}" for level in LEVEL)
    return [
        Query(f"({expr}) {short_of} {soft}", legend, "ok"),
        Query(f"(({expr}) {past} {soft}) {short_of} {hard}", legend, "soft"),
        Query(f"({expr}) {past} {hard}", legend, "hard"),
        *([Query(f"({otherwise}) unless on () ({expr})", " ", "none")] if otherwise else []),
    ]


GRADES = [
    override("byFrameRefID", ref, color=fixed(colour)) for ref, colour in {"ok": OK, "soft": SOFT, "hard": HARD}.items()
]


def dashed(colour: str) -> dict[str, object]:
    """How a threshold that is a series is drawn."""
    return {
        "color": fixed(colour),
        "custom__lineWidth": 1,
        "custom__lineStyle": {"fill": "dash", "dash": [8, 6]},
        "custom__showPoints": "never",
    }


DASHED = [override("byName", level, **dashed(colour)) for level, colour in LEVEL.items()]
