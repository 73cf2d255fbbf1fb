"""What surrounds the panels of every board: variables, links, annotations, and the places of the panels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.models import dashboard as models

from dashboards.src.links import BOARDS, RUNBOOKS
from dashboards.src.parts import SOURCE
from dashboards.src.words import select

COLUMNS = 24
FIRING = 'ALERTS{@alerts,alertstate="firing",severity=~"critical|warning"}'

Row = tuple[int, Sequence[models.Panel]]
"""A height and the panels beside each other, all of one width."""


@dataclass(frozen=True)
class Section:
    """Rows of panels under a heading, which is left out where the title is empty."""

    title: str
    rows: Sequence[Row]


class PrometheusAnnotation(models.AnnotationQuery):
    """An annotation from a Prometheus query, with the fields that its data source adds."""

    def __init__(self, name: str, expr: str, colour: str, title: str, tags: str) -> None:
        super().__init__(name=name, datasource=SOURCE, enable=True, icon_color=colour, expr=select(expr))
        self._title, self._tags = title, tags

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), "titleFormat": self._title, "tagKeys": self._tags, "step": "15s"}


def board(uid: str, description: str, sections: Sequence[Section], *, since: str = "now-1h") -> models.Dashboard:
    """A whole board."""
    return models.Dashboard(
        uid=uid,
        title=f"Generative media / {BOARDS[uid]}",
        description=description,
        tags=["genmedia"],
        editable=False,
        graph_tooltip=models.DashboardCursorSync.CROSSHAIR,
        time=models.DashboardDashboardTime(from_val=since, to="now"),
        timepicker=models.TimePickerConfig(),
        refresh="30s",
        panels=_placed(sections),
        templating=models.DashboardDashboardTemplating(list_val=_variables()),
        annotations=models.AnnotationContainer(list_val=_annotations()),
        links=_links(uid),
    )


def _placed(sections: Sequence[Section]) -> list[models.Panel | models.RowPanel]:
    placed: list[models.Panel | models.RowPanel] = []
    y = 0
    for section in sections:
        if section.title:
            placed.append(models.RowPanel(title=section.title, grid_pos=models.GridPos(h=1, w=COLUMNS, x=0, y=y)))
            y += 1
        for height, panels in section.rows:
            width = COLUMNS // len(panels)
            for number, panel in enumerate(panels):
                panel.grid_pos = models.GridPos(h=height, w=width, x=number * width, y=y)
                placed.append(panel)
            y += height
    for number, each in enumerate(placed, start=1):
        each.id_val = number
    return placed


def _variables() -> list[models.VariableModel]:
    source = models.VariableModel(
        type_val=models.VariableType.DATASOURCE,
        name="datasource",
        label="Data source",
        query="prometheus",
        refresh=models.VariableRefresh.ON_DASHBOARD_LOAD,
        options=[],
        current=models.VariableOption(),
        auto=None,
        auto_min=None,
        auto_count=None,
    )
    models_ = (
        'query_result(count by (model) (genmedia_tasks_created_total{provider=~"$provider",account=~"$account"}'
        ' or genmedia_limit_used{provider=~"$provider",account=~"$account"} > 0))'
    )
    return [
        source,
        _variable("provider", "Provider", "label_values(genmedia_account_read_up, provider)"),
        _variable("account", "Account", 'label_values(genmedia_account_read_up{provider=~"$provider"}, account)'),
        _variable("model", "Model", models_, regex='/model="([^"]+)"/'),
    ]


def _variable(name: str, label: str, query: str, regex: str = "") -> models.VariableModel:
    return models.VariableModel(
        type_val=models.VariableType.QUERY,
        name=name,
        label=label,
        datasource=SOURCE,
        query={"query": query, "refId": name},
        regex=regex,
        multi=True,
        include_all=True,
        all_value=".*",
        allow_custom_value=False,
        current=models.VariableOption(selected=True, text=["All"], value=["$__all"]),
        options=[],
        refresh=models.VariableRefresh.ON_TIME_RANGE_CHANGED,
        sort=models.VariableSort.ALPHABETICAL_ASC,
        auto=None,
        auto_min=None,
        auto_count=None,
    )


def _annotations() -> list[models.AnnotationQuery]:
    return [
        PrometheusAnnotation(
            "Alerts begin to fire",
            f"{FIRING} unless {FIRING} offset $__interval",
            "red",
            "{{alertname}}",
            "severity,account,model",
        ),
        PrometheusAnnotation(
            "Recharges",
            "increase(genmedia_credit_recharges_total{@account}[$__rate_interval]) > 0",
            "blue",
            "Credits recharged",
            "account",
        ),
    ]


def _links(own: str) -> list[models.DashboardLink]:
    others = [
        models.DashboardLink(
            title=title,
            type_val=models.DashboardLinkType.LINK,
            icon="dashboard",
            url=f"/d/{uid}",
            tags=[],
            include_vars=True,
            keep_time=True,
        )
        for uid, title in BOARDS.items()
        if uid != own
    ]
    runbooks = models.DashboardLink(
        title="Runbooks", type_val=models.DashboardLinkType.LINK, icon="doc", url=RUNBOOKS, tags=[], target_blank=True
    )
    return [*others, runbooks]
