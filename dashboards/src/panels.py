"""The shapes of panels, in the house's style. A panel has no place yet: `layout` gives it one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import bargauge, common, heatmap, prometheus, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.models import dashboard as models

from dashboards.src.links import link
from dashboards.src.words import FAINT, HARD, LEVEL, OK, PLAIN, SOFT, select

SOURCE = common.DataSourceRef(type_val="prometheus", uid="${datasource}")

BAR = "1m"

Steps = Sequence[tuple[float, str]]
"""Colours from a value on. Below the first it is green."""


@dataclass(frozen=True)
class Query:
    """An expression, with the selectors' names of `words`, and the name of its series."""

    expr: str
    legend: str = ""
    ref: str = ""


@dataclass(frozen=True)
class Column:
    """A table's column: the labels' values when `expr` is empty, else that expression's value for them.

    `words` replaces values by text and colour; `link` is where a click on the cell leads.
    """

    title: str
    expr: str = ""
    label: str = ""
    unit: str = "none"
    decimals: int | None = None
    steps: Steps = ()
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    link: str = ""
    width: int | None = None


def _targets(queries: Sequence[Query], *, instant: bool, format_: prometheus.PromQueryFormat) -> list[Dataquery]:
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


def _now(queries: Sequence[Query]) -> list[Dataquery]:
    return _targets(queries, instant=True, format_=prometheus.PromQueryFormat.TIME_SERIES)


def _range(queries: Sequence[Query]) -> list[Dataquery]:
    return _targets(queries, instant=False, format_=prometheus.PromQueryFormat.TIME_SERIES)


def _thresholds(steps: Steps, *, base: str) -> models.ThresholdsConfig:
    all_steps = [(None, base), *steps]
    return models.ThresholdsConfig(
        mode=models.ThresholdsMode.ABSOLUTE,
        steps=[models.Threshold(value=value, color=colour) for value, colour in all_steps],
    )


def _mappings(words: Mapping[str, tuple[str, str]]) -> list[models.ValueMapping]:
    results = {value: models.ValueMappingResult(text=text, color=colour) for value, (text, colour) in words.items()}
    return [models.ValueMap(options=results)] if results else []


def _fixed(colour: str) -> models.FieldColor:
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
    return [override("byName", name, color=_fixed(colour)) for name, colour in colours.items()]


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
    override("byFrameRefID", ref, color=_fixed(colour))
    for ref, colour in {"ok": OK, "soft": SOFT, "hard": HARD}.items()
]


def figures(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    steps: Steps = (),
    base: str = OK,
    decimals: int | None = None,
    words: Mapping[str, tuple[str, str]] | None = None,
    absent: str = "unknown",
    overrides: Sequence[models.DashboardFieldConfigSourceOverrides] = (),
    leads: Sequence[models.DashboardLink] = (),
) -> models.Panel:
    """Figures as they are now, in large letters; `base` is their colour below the first step, `absent` their lack."""
    named = any(query.legend for query in queries)
    text_mode = common.BigValueTextMode.VALUE_AND_NAME if named else common.BigValueTextMode.VALUE
    return models.Panel(
        type_val="stat",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_now(queries),
        links=list(leads),
        options=stat.Options(
            graph_mode=common.BigValueGraphMode.NONE,
            color_mode=common.BigValueColorMode.VALUE,
            justify_mode=common.BigValueJustifyMode.AUTO,
            text_mode=text_mode,
            wide_layout=False,
            text=common.VizTextDisplayOptions(title_size=14, value_size=34),
            reduce_options=common.ReduceDataOptions(calcs=["lastNotNull"], values=False, fields=""),
            orientation=common.VizOrientation.AUTO,
        ),
        field_config=models.FieldConfigSource(
            defaults=models.FieldConfig(
                unit=unit,
                decimals=decimals,
                no_value=absent,
                mappings=_mappings(words or {}),
                thresholds=_thresholds([(0, base), *steps], base="text"),
                color=models.FieldColor(mode=models.FieldColorModeId.THRESHOLDS),
            ),
            overrides=list(overrides),
        ),
    )


def _legend() -> common.VizLegendOptions:
    return common.VizLegendOptions(
        display_mode=common.LegendDisplayMode.LIST, placement=common.LegendPlacement.BOTTOM, show_legend=True, calcs=[]
    )


def _tooltip() -> common.VizTooltipOptions:
    return common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)


def lines(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    unit: str,
    steps: Steps = (),
    colours: Mapping[str, str] | None = None,
    stacked: bool = False,
    bars: bool = False,
    top: float | None = None,
    every: str = "",
    overrides: Sequence[models.DashboardFieldConfigSourceOverrides] = (),
    leads: Sequence[models.DashboardLink] = (),
) -> models.Panel:
    """Figures over time. `steps` are drawn as dashed lines; `stacked` areas or bars add up; `top` is the axis's end.

    `every` is the least time between points, and so what a bar counts.
    """
    style = common.GraphThresholdsStyleMode.DASHED if steps else common.GraphThresholdsStyleMode.OFF
    custom = timeseries.FieldConfig(
        draw_style=common.GraphDrawStyle.BARS if bars else common.GraphDrawStyle.LINE,
        line_width=0 if bars else 2 if not stacked else 1,
        fill_opacity=90 if bars else 40 if stacked else 0,
        line_interpolation=common.LineInterpolation.LINEAR,
        show_points=common.VisibilityMode.NEVER if bars or stacked else common.VisibilityMode.AUTO,
        point_size=4,
        span_nulls=False,
        axis_soft_min=0,
        stacking=common.StackingConfig(mode=common.StackingMode.NORMAL, group="A") if stacked or bars else None,
        thresholds_style=common.GraphThresholdsStyleConfig(mode=style),
    )
    return models.Panel(
        type_val="timeseries",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_range(queries),
        interval=every or (BAR if bars else None),
        links=list(leads),
        options=timeseries.Options(legend=_legend(), tooltip=_tooltip()),
        field_config=models.FieldConfigSource(
            defaults=models.FieldConfig(
                unit=unit,
                min_val=0,
                max_val=top,
                thresholds=_thresholds(steps, base=OK),
                color=models.FieldColor(mode=models.FieldColorModeId.PALETTE_CLASSIC),
                custom=custom,
            ),
            overrides=[*painted(colours or {}), *overrides],
        ),
    )


def dashed(colour: str) -> dict[str, object]:
    """How a threshold that is a series is drawn."""
    return {
        "color": _fixed(colour),
        "custom__lineWidth": 1,
        "custom__lineStyle": {"fill": "dash", "dash": [8, 6]},
        "custom__showPoints": "never",
    }


DASHED = [override("byName", level, **dashed(colour)) for level, colour in LEVEL.items()]


def rows(
    title: str,
    description: str,
    columns: Sequence[Column],
    *,
    sort: str = "",
    absent: str = "-",
    leads: Sequence[models.DashboardLink] = (),
) -> models.Panel:
    """A table as of now: a row for each set of labels. `sort` is the title of the column whose largest comes first."""
    valued = [column for column in columns if column.expr]
    value = "Value #{}" if len(valued) > 1 else "Value"
    names = {column.label or value.format(column.title): column for column in columns}
    order = {name: place for place, name in enumerate(names)}
    queries = [Query(column.expr, ref=column.title) for column in valued]
    hidden = {"Time": True, **{column.label: False for column in columns if column.label}}
    return models.Panel(
        type_val="table",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_targets(queries, instant=True, format_=prometheus.PromQueryFormat.TABLE),
        links=list(leads),
        transformations=[
            models.DataTransformerConfig(id_val="merge", options={}),
            models.DataTransformerConfig(
                id_val="organize",
                options={
                    "excludeByName": hidden,
                    "indexByName": order,
                    "renameByName": {name: column.title for name, column in names.items()},
                },
            ),
        ],
        options=_table_options(sort),
        field_config=models.FieldConfigSource(
            defaults=models.FieldConfig(
                unit="short",
                no_value=absent,
                thresholds=_thresholds((), base="text"),
                color=models.FieldColor(mode=models.FieldColorModeId.THRESHOLDS),
                custom=table.FieldConfig(inspect=False, min_width=80, align=common.FieldTextAlignment.AUTO),
            ),
            overrides=[_cell(column) for column in columns],
        ),
    )


def _table_options(sort: str) -> table.Options:
    options = table.Options(
        show_header=True,
        cell_height=common.TableCellHeight.SM,
        sort_by=[common.TableSortByFieldState(display_name=sort, desc=True)] if sort else [],
    )
    options.footer = None  # The SDK fills it in; Grafana 12.4 knows it no more.
    return options


def _cell(column: Column) -> models.DashboardFieldConfigSourceOverrides:
    properties: dict[str, object] = {}
    if column.expr:
        properties["unit"] = column.unit
    if column.decimals is not None:
        properties["decimals"] = column.decimals
    if column.steps:
        properties["thresholds"] = _thresholds(column.steps, base=OK)
    if column.words:
        properties["mappings"] = _mappings(column.words)
    if column.steps or column.words:
        properties["custom__cellOptions"] = {"type": "color-text"}
    if column.link:
        properties["links"] = [link(column.title, column.link)]
    if column.width:
        properties["custom__width"] = column.width
    return override("byName", column.title, **properties)


def heat(title: str, description: str, expr: str, *, unit: str = "s") -> models.Panel:
    """How a histogram's values are spread over time; `expr` keeps the label le."""
    target = _targets([Query(expr, "{{le}}")], instant=False, format_=prometheus.PromQueryFormat.HEATMAP)
    return models.Panel(
        type_val="heatmap",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=target,
        interval=BAR,
        options=heatmap.Options(
            calculate=False,
            cell_gap=1,
            color=heatmap.HeatmapColorOptions(
                mode=heatmap.HeatmapColorMode.SCHEME,
                scheme="Oranges",
                fill=SOFT,
                scale=heatmap.HeatmapColorScale.EXPONENTIAL,
                exponent=0.5,
                steps=32,
            ),
            filter_values=heatmap.FilterValueRange(le=1e-9),
            rows_frame=heatmap.RowsHeatmapOptions(layout=common.HeatmapCellLayout.AUTO),
            show_value=common.VisibilityMode.NEVER,
            y_axis=heatmap.YAxisConfig(unit=unit, axis_placement=common.AxisPlacement.LEFT),
            legend=heatmap.HeatmapLegend(show=False),
            tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=False),
            exemplars=heatmap.ExemplarConfig(color=HARD),
        ),
        field_config=models.FieldConfigSource(defaults=models.FieldConfig(unit=unit), overrides=[]),
    )


def ranks(
    title: str, description: str, queries: Sequence[Query], *, unit: str, decimals: int | None = None
) -> models.Panel:
    """Bars beside each other, as of now."""
    return models.Panel(
        type_val="bargauge",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_now(queries),
        options=bargauge.Options(
            display_mode=common.BarGaugeDisplayMode.BASIC,
            value_mode=common.BarGaugeValueMode.TEXT,
            name_placement=common.BarGaugeNamePlacement.LEFT,
            show_unfilled=False,
            sizing=common.BarGaugeSizing.AUTO,
            text=common.VizTextDisplayOptions(title_size=13, value_size=14),
            reduce_options=common.ReduceDataOptions(calcs=["lastNotNull"], values=False, fields=""),
            orientation=common.VizOrientation.HORIZONTAL,
        ),
        field_config=models.FieldConfigSource(
            defaults=models.FieldConfig(
                unit=unit, decimals=decimals, min_val=0, thresholds=_thresholds((), base=PLAIN), color=_fixed(PLAIN)
            ),
            overrides=[],
        ),
    )


def states(
    title: str,
    description: str,
    queries: Sequence[Query],
    *,
    words: Mapping[str, tuple[str, str]],
    leads: Sequence[models.DashboardLink] = (),
) -> models.Panel:
    """What state something was in, over time."""
    return models.Panel(
        type_val="state-timeline",
        title=title,
        description=description,
        datasource=SOURCE,
        targets=_range(queries),
        links=list(leads),
        options=statetimeline.Options(
            show_value=common.VisibilityMode.AUTO,
            merge_values=True,
            row_height=0.8,
            align_value=common.TimelineValueAlignment.LEFT,
            legend=common.VizLegendOptions(
                display_mode=common.LegendDisplayMode.LIST,
                placement=common.LegendPlacement.BOTTOM,
                show_legend=False,
                calcs=[],
            ),
            tooltip=common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE, sort=common.SortOrder.NONE),
        ),
        field_config=models.FieldConfigSource(
            defaults=models.FieldConfig(
                unit="short",
                mappings=_mappings(words),
                color=_fixed(FAINT),
                custom=statetimeline.FieldConfig(line_width=0, fill_opacity=80),
            ),
            overrides=[],
        ),
    )
