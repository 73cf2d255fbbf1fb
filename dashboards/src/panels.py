"""The shapes of panels, in the house's style. A panel has no place yet: `frame` gives it one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import bargauge, common, heatmap, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.models import dashboard as models

from dashboards.src.parts import SOURCE, Query, Steps, fixed, mappings, painted, targets, thresholds
from dashboards.src.words import FAINT, HARD, OK, PLAIN, SOFT

BAR = "1m"
"""What a bar, or a column of a heatmap, counts."""


def _now(queries: Sequence[Query]) -> list[Dataquery]:
    return targets(queries, instant=True, format_=prometheus.PromQueryFormat.TIME_SERIES)


def _range(queries: Sequence[Query]) -> list[Dataquery]:
    return targets(queries, instant=False, format_=prometheus.PromQueryFormat.TIME_SERIES)


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
                mappings=mappings(words or {}),
                thresholds=thresholds([(0, base), *steps], base="text"),
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
                thresholds=thresholds(steps, base=OK),
                color=models.FieldColor(mode=models.FieldColorModeId.PALETTE_CLASSIC),
                custom=custom,
            ),
            overrides=[*painted(colours or {}), *overrides],
        ),
    )


def heat(title: str, description: str, expr: str, *, unit: str = "s") -> models.Panel:
    """How a histogram's values are spread over time; `expr` keeps the label le."""
    target = targets([Query(expr, "{{le}}")], instant=False, format_=prometheus.PromQueryFormat.HEATMAP)
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
                unit=unit, decimals=decimals, min_val=0, thresholds=thresholds((), base=PLAIN), color=fixed(PLAIN)
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
                mappings=mappings(words),
                color=fixed(FAINT),
                custom=statetimeline.FieldConfig(line_width=0, fill_opacity=80),
            ),
            overrides=[],
        ),
    )
