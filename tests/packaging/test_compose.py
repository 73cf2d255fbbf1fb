from __future__ import annotations

import configparser
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import Config, load
from monitor.providers import PROVIDERS

DATA = "/var/lib/genmedia-monitor"
Compose = Callable[..., dict[str, Any]]
KEY = {"RUNWAYML_API_SECRET": "key_test", "SIMULATED_API_KEY": "key_test"}


@pytest.fixture
def live(compose: Compose) -> dict[str, Any]:
    return compose(RUNWAYML_API_SECRET="key_from_shell", RUNWARE_API_KEY="another_from_shell")


@pytest.fixture
def demo(compose: Compose) -> dict[str, Any]:
    return compose(COMPOSE_PROFILES="demo")


def container_config(root: Path, name: str) -> Config:
    return load(root / "deploy" / name, KEY)


def mount(service: dict[str, Any], target: str) -> dict[str, Any]:
    return next(volume for volume in service["volumes"] if volume["target"] == target)


SERVICES = {"monitor", "prometheus", "alertmanager", "grafana"}


def test_compose_runs_the_monitor_and_what_shows_and_tells_of_it(live: dict[str, Any]) -> None:
    assert set(live) == SERVICES


def test_the_demo_profile_adds_simulated_vendors_and_a_workload_for_each(demo: dict[str, Any]) -> None:
    assert set(demo) == SERVICES | {"simulator", "workload", "runware-simulator", "runware-workload"}


def test_the_keys_come_from_the_shell_and_the_demo_needs_none(live: dict[str, Any], demo: dict[str, Any]) -> None:
    assert live["monitor"]["environment"]["RUNWAYML_API_SECRET"] == "key_from_shell"
    assert live["monitor"]["environment"]["RUNWARE_API_KEY"] == "another_from_shell"
    for provider in PROVIDERS.values():
        assert demo["monitor"]["environment"].get(provider.key_env) is None
        assert provider.key_env in live["monitor"]["environment"]


def test_every_service_is_confined(demo: dict[str, Any]) -> None:
    for name, service in demo.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_published_ports_are_on_loopback_only(demo: dict[str, Any]) -> None:
    published = [port for service in demo.values() for port in service.get("ports", [])]
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}
    assert {port["published"] for port in published} == {"10190", "10191", "9090", "9093", "3000"}


def test_published_ports_are_where_the_daemon_listens(root: Path, live: dict[str, Any]) -> None:
    default = load(None, KEY)
    targets = {port["target"] for port in live["monitor"]["ports"]}
    for config in (default, container_config(root, "monitor.yml"), container_config(root, "demo.yml")):
        assert {config.listen.port, config.gateway.listen.port} == targets


@pytest.mark.parametrize("name", ["monitor.yml", "demo.yml"])
def test_containers_reach_the_daemon_and_the_store_is_on_the_volume(root: Path, live: Any, name: str) -> None:
    config = container_config(root, name)
    assert (config.listen.host, config.gateway.listen.host) == ("0.0.0.0", "0.0.0.0")
    assert Path(config.store.removeprefix("sqlite:///")).parent == Path(DATA)
    assert mount(live["monitor"], DATA)["type"] == "volume"


def test_the_profile_chooses_the_configuration(live: dict[str, Any], demo: dict[str, Any]) -> None:
    target = "/etc/genmedia-monitor/monitor.yml"
    assert mount(live["monitor"], target)["source"].endswith("/deploy/monitor.yml")
    assert mount(demo["monitor"], target)["source"].endswith("/deploy/demo.yml")


def test_images_from_outside_are_pinned(live: dict[str, Any]) -> None:
    images = {name: service["image"].rpartition(":") for name, service in live.items() if "build" not in service}
    assert set(images) == SERVICES - {"monitor"}
    for name, (repository, _, tag) in images.items():
        assert repository, name
        assert re.fullmatch(r"v?\d+\.\d+\.\d+", tag), name


def test_compose_names_no_key_of_a_file_that_is_missing(root: Path, demo: dict[str, Any]) -> None:
    mounts = [volume for service in demo.values() for volume in service.get("volumes", [])]
    assert [each["source"] for each in mounts if each["type"] == "bind" and not Path(each["source"]).exists()] == []
    assert all(each["read_only"] for each in mounts if each["type"] == "bind")


def test_prometheus_scrapes_the_operator_listener(root: Path, promtool: str) -> None:
    subprocess.run([promtool, "check", "config", "deploy/prometheus.yml"], cwd=root, check=True, capture_output=True)
    jobs = yaml.safe_load((root / "deploy/prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for group in job["static_configs"] for target in group["targets"]]
    assert f"monitor:{load(None, KEY).listen.port}" in targets


def test_prometheus_evaluates_the_shipped_rules_and_tells_alertmanager(root: Path, live: dict[str, Any]) -> None:
    config = yaml.safe_load((root / "deploy/prometheus.yml").read_text())
    rules = mount(live["prometheus"], "/etc/prometheus/rules")
    assert Path(rules["source"]) == root / "alerts" / "rules"
    assert config["rule_files"] == ["rules/*.yml"]
    (group,) = config["alerting"]["alertmanagers"]
    assert group["static_configs"] == [{"targets": [f"alertmanager:{live['alertmanager']['ports'][0]['target']}"]}]


def test_links_in_alerts_lead_to_grafana_and_the_runbooks_and_are_no_labels(root: Path, live: dict[str, Any]) -> None:
    config = yaml.safe_load((root / "deploy/prometheus.yml").read_text())
    labels = config["global"]["external_labels"]
    (port,) = live["grafana"]["ports"]
    assert labels["genmedia_grafana_url"] == f"http://{port['host_ip']}:{port['published']}"
    assert labels["genmedia_runbooks_url"].endswith("/docs/runbooks")
    (relabel,) = config["alerting"]["alert_relabel_configs"]
    assert relabel["action"] == "labeldrop"
    assert all(re.fullmatch(relabel["regex"], label) for label in labels)


def test_alertmanager_has_its_templates_and_its_secrets_where_it_looks_for_them(
    root: Path, live: dict[str, Any]
) -> None:
    service = live["alertmanager"]
    text = (root / "alerts/alertmanager.yml").read_text()
    secrets = set(re.findall(r"_file: (.*)/", text))
    assert secrets == {mount(service, "/etc/alertmanager/secrets")["target"]}
    for target, source in (("alertmanager.yml", "alerts/alertmanager.yml"), ("templates", "alerts/templates")):
        assert Path(mount(service, f"/etc/alertmanager/{target}")["source"]) == root / source
    assert "--cluster.listen-address=" in service["command"]


def test_nothing_in_the_folder_of_secrets_is_ever_committed(root: Path) -> None:
    done = subprocess.run(
        ["git", "check-ignore", "-q", "deploy/secrets/slack-url"], cwd=root, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def grafana_ini(service: dict[str, Any]) -> configparser.ConfigParser:
    config = configparser.ConfigParser()
    config.read(mount(service, "/etc/grafana/grafana.ini")["source"])
    return config


def test_only_the_demo_shows_its_boards_to_whoever_asks(live: dict[str, Any], demo: dict[str, Any]) -> None:
    assert not grafana_ini(live["grafana"]).has_section("auth.anonymous")
    anonymous = grafana_ini(demo["grafana"])["auth.anonymous"]
    assert (anonymous.getboolean("enabled"), anonymous["org_role"]) == (True, "Viewer")


def test_grafana_is_provisioned_with_prometheus_and_the_boards(root: Path, live: dict[str, Any]) -> None:
    provisioning = root / "deploy/grafana/provisioning"
    assert Path(mount(live["grafana"], "/etc/grafana/provisioning")["source"]) == provisioning
    (source,) = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"]
    assert source["url"] == f"http://prometheus:{live['prometheus']['ports'][0]['target']}"
    assert (source["uid"], source["isDefault"]) == ("prometheus", True)
    scrape_interval = yaml.safe_load((root / "deploy/prometheus.yml").read_text())["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scrape_interval
    (provider,) = yaml.safe_load((provisioning / "dashboards/genmedia.yml").read_text())["providers"]
    boards = mount(live["grafana"], provider["options"]["path"])
    assert Path(boards["source"]) == root / "dashboards"


def test_the_first_board_is_one_that_exists(root: Path, live: dict[str, Any], demo: dict[str, Any]) -> None:
    for services in (live, demo):
        home = Path(grafana_ini(services["grafana"])["dashboards"]["default_home_dashboard_path"])
        assert (root / "dashboards" / home.name).is_file()
        assert str(home.parent) == "/etc/grafana/dashboards"
