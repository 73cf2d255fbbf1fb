from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

# In pieces, so that this file does not hold what it looks for.
REGISTRY_HOSTS = ("py" + "pi.org", "python" + "hosted.org", "npm" + "js.org", "npm" + "js.com", "deb." + "debian.org")
MACHINE_PATHS = re.compile(r"(?<![\w.:])/(?:work|home|root|Users)/")

SCRAPE = re.compile(r"job_name[\"']?: *[\"']?genmedia-monitor(?:(?!job_name).){0,200}", re.DOTALL)
OUR_LABELS_STAY = re.compile(r"honor_labels\W+true", re.IGNORECASE)


def text_of(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


@pytest.mark.parametrize("host", REGISTRY_HOSTS)
def test_no_file_names_a_package_registry(tracked_files: list[Path], host: str) -> None:
    assert [path for path in tracked_files if host in text_of(path)] == []


def test_no_file_names_a_path_of_one_machine(tracked_files: list[Path]) -> None:
    assert [path for path in tracked_files if MACHINE_PATHS.search(text_of(path))] == []


def test_every_scrape_that_is_shown_keeps_our_labels(tracked_files: list[Path]) -> None:
    """A target of Prometheus may carry a label that our series have too."""
    shown = [(path, text) for path in tracked_files for text in SCRAPE.findall(text_of(path))]
    assert {"README.md", "prometheus.yml", "alerting.md", "alerting.py"} <= {path.name for path, _ in shown}
    assert [path for path, text in shown if not OUR_LABELS_STAY.search(text)] == []


def test_every_test_that_the_security_page_names_exists(root: Path) -> None:
    named = re.findall(r"`([a-z_]+/test_[a-z_]+\.py)`", (root / "docs/reference/security.md").read_text())
    assert len(named) >= 10
    assert [name for name in named if not (root / "tests" / name).is_file()] == []


@pytest.mark.parametrize("name", ["runtime", "dev", "demo", "bench", "build", "docs", "legacy"])
def test_every_locked_package_has_hashes(root: Path, name: str) -> None:
    packages = re.split(r"\n(?=\S)", (root / f"requirements/{name}.lock").read_text().strip())
    assert packages
    assert [each.split("\n")[0] for each in packages if "--hash=sha256:" not in each] == []


def pins(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[.*\])?==(\S+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", ["runtime", "demo", "build"])
def test_what_is_tested_is_what_is_shipped(root: Path, name: str) -> None:
    tested = pins(root / "requirements/dev.lock")
    assert pins(root / f"requirements/{name}.lock").items() <= tested.items()


def test_the_node_lock_has_a_checksum_for_every_package(root: Path) -> None:
    packages = json.loads((root / "tests/node/package-lock.json").read_text())["packages"]
    installed = {name: package for name, package in packages.items() if name}
    assert installed
    assert all("integrity" in package for package in installed.values())


def test_every_make_target_that_the_documents_name_exists(root: Path) -> None:
    documents = [root / "README.md", *(root / "docs").rglob("*.md")]
    named = {target for path in documents for target in re.findall(r"`make ([a-z-]+)", path.read_text())}
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("target", ["demo", "test", "lint", "docs", "docs-site", "lock", "clean"])
def test_make_help_lists_every_target(root: Path, target: str) -> None:
    shown = subprocess.run(["make", "help"], cwd=root, check=True, capture_output=True, text=True).stdout
    assert f"make {target}\t" in shown


def test_make_says_what_python_it_needs(root: Path, tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    venv = tmp_path / "venv"
    command = ["make", f"PYTHON={old}", f"VENV={venv}", f"{venv}/created"]
    done = subprocess.run(command, cwd=root, check=False, capture_output=True, text=True)
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stderr
    assert not venv.exists()
