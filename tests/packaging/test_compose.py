from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitor.config import Config, load

ROOT = Path(__file__).parent.parent.parent
DATA = "/var/lib/genmedia-monitor"
Compose = Callable[..., dict[str, Any]]
KEY = {"RUNWAYML_API_SECRET": "key_test", "SIMULATED_API_KEY": "key_test"}


def compose_command() -> list[str]:
    if found := shutil.which("docker-compose"):
        return [found]
    docker = shutil.which("docker")
    if docker and subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        return [docker, "compose"]
    pytest.skip("Docker Compose is not installed")


@pytest.fixture(scope="module")
def compose() -> Compose:
    """Runs `docker compose config` in the given environment; returns the services that start, as they come out."""
    command = [*compose_command(), "-f", "docker-compose.yml", "config"]

    def config(**environ: str) -> dict[str, Any]:
        environ["PATH"] = os.environ["PATH"]
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return yaml.safe_load(done.stdout)["services"]

    return config


@pytest.fixture
def live(compose: Compose) -> dict[str, Any]:
    return compose(RUNWAYML_API_SECRET="key_from_shell")


@pytest.fixture
def demo(compose: Compose) -> dict[str, Any]:
    return compose(COMPOSE_PROFILES="demo")


def container_config(root: Path, name: str) -> Config:
    return load(root / "deploy" / name, KEY)


def mount(service: dict[str, Any], target: str) -> dict[str, Any]:
    return next(volume for volume in service["volumes"] if volume["target"] == target)


def test_compose_runs_the_monitor_and_prometheus_only(live: dict[str, Any]) -> None:
    assert set(live) == {"monitor", "prometheus"}


def test_the_demo_profile_adds_the_simulated_vendor_and_a_workload(demo: dict[str, Any]) -> None:
    assert set(demo) == {"monitor", "prometheus", "simulator", "workload"}


def test_the_key_comes_from_the_shell_and_the_demo_needs_none(live: dict[str, Any], demo: dict[str, Any]) -> None:
    assert live["monitor"]["environment"]["RUNWAYML_API_SECRET"] == "key_from_shell"
    assert demo["monitor"]["environment"].get("RUNWAYML_API_SECRET") is None


def test_every_service_is_confined(demo: dict[str, Any]) -> None:
    for name, service in demo.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_published_ports_are_on_loopback_only(demo: dict[str, Any]) -> None:
    published = [port for service in demo.values() for port in service.get("ports", [])]
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}
    assert {port["published"] for port in published} == {"10190", "10191", "9090"}


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


def test_the_demo_talks_to_the_simulated_vendor_through_the_gateway(root: Path, demo: dict[str, Any]) -> None:
    config = container_config(root, "demo.yml")
    (account,) = config.accounts
    listen = demo["simulator"]["command"][demo["simulator"]["command"].index("--listen") + 1]
    assert account.base_url == f"http://simulator:{listen.rpartition(':')[2]}"
    gateway = f"http://monitor:{config.gateway.listen.port}/{account.name}"
    assert gateway in demo["workload"]["command"]


def test_images_from_outside_are_pinned(live: dict[str, Any]) -> None:
    repository, _, tag = live["prometheus"]["image"].rpartition(":")
    assert repository
    assert tag.startswith("v")


def test_compose_names_no_key_of_a_file_that_is_missing(root: Path, demo: dict[str, Any]) -> None:
    mounts = [volume for service in demo.values() for volume in service.get("volumes", [])]
    assert all(Path(volume["source"]).is_file() for volume in mounts if volume["type"] == "bind")


def test_prometheus_scrapes_the_operator_listener(root: Path, promtool: str) -> None:
    subprocess.run([promtool, "check", "config", "deploy/prometheus.yml"], cwd=root, check=True, capture_output=True)
    jobs = yaml.safe_load((root / "deploy/prometheus.yml").read_text())["scrape_configs"]
    targets = [target for job in jobs for group in job["static_configs"] for target in group["targets"]]
    assert f"monitor:{load(None, KEY).listen.port}" in targets
