"""Tables: figures as of now, a row for each set of labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.models import common, prometheus, table
from grafana_foundation_sdk.models import dashboard as models

from dashboards.src.links import link
from dashboards.src.parts import SOURCE, Query, Steps, mappings, override, targets, thresholds
from dashboards.src.words import OK


@dataclass(frozen=True)
class Column:
    """A table's column: the labels' values when `expr` is empty, else that expression's value for them.

    `words` replaces values by text and colour; `absent` stands where there is no value; `link` is where a click on the
    cell leads.
    """

    title: str
    expr: str = ""
    label: str = ""
    unit: str = "none"
    decimals: int | None = None
    steps: Steps = ()
    words: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    link: str = ""
    absent: str = ""
    width: int | None = None


def rows(
    title: str,
    description: str,
    columns: Sequence[Column],
    *,
    sort: str = "",
    absent: str = "unknown",
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
        targets=targets(queries, instant=True, format_=prometheus.PromQueryFormat.TABLE),
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
                thresholds=thresholds((), base="text"),
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
        properties["thresholds"] = thresholds(column.steps, base=OK)
    if column.words:
        properties["mappings"] = mappings(column.words)
    if column.steps or column.words:
        properties["custom__cellOptions"] = {"type": "color-text"}
    if column.absent:
        properties["noValue"] = column.absent
    if column.link:
        properties["links"] = [link(column.title, column.link)]
    if column.width:
        properties["custom__width"] = column.width
    return override("byName", column.title, **properties)
