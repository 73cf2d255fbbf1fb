"""What the wheel tells an index and its readers."""

from __future__ import annotations

import email
import re
import subprocess
import sys
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import monitor

REPOSITORY = "https://github.com/genmedia-monitor/genmedia-monitor/"
PICTURES = "https://raw.githubusercontent.com/genmedia-monitor/genmedia-monitor/"


@pytest.fixture(scope="module")
def wheel(root: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = ["wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", folder, root]
    subprocess.run([sys.executable, "-m", "pip", *command], check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return zipfile.ZipFile(built)


@pytest.fixture(scope="module")
def metadata(wheel: zipfile.ZipFile) -> Message:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(wheel.read(name))


def test_the_wheel_holds_every_file_of_the_package(
    wheel: zipfile.ZipFile, root: Path, tracked_files: list[Path]
) -> None:
    tracked = {str(path.relative_to(root)) for path in tracked_files if path.is_relative_to(root / "monitor")}
    assert tracked | {"monitor/py.typed"} <= set(wheel.namelist())


def test_the_version_stands_in_the_package_alone(metadata: Message, root: Path) -> None:
    assert metadata["Version"] == monitor.__version__
    assert monitor.__version__ not in (root / "pyproject.toml").read_text()


def test_the_wheel_carries_its_licence(wheel: zipfile.ZipFile, metadata: Message, root: Path) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith("/LICENSE"))
    assert metadata["License-Expression"] == "Apache-2.0"
    assert wheel.read(name) == (root / "LICENSE").read_bytes()


def test_links_of_the_readme_work_outside_the_repository(metadata: Message, root: Path) -> None:
    """An index shows the README by itself: a relative link leads nowhere there."""
    targets = re.findall(r"\]\(([^)\s]+)\)", str(metadata.get_payload()))
    ours = [target.partition("#")[0] for target in targets if target.startswith((REPOSITORY, PICTURES))]
    named = [re.sub(f"^(?:{REPOSITORY}(?:blob|tree)/|{PICTURES})main/", "", target) for target in ours]
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    assert len(named) >= 10
    assert [name for name in named if not (root / name).exists()] == []
