"""The wheel alone, in its own environment without a checkout: init, a night, and a project with its own rules."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from tests.checkout import project_root
from tests.integration.conftest import DAY
from tests.tolerant import TOLERANT
from tools.processes import fresh_environment

from creatorpool.cli.demo import SYNTHETIC_DAY
from creatorpool.tables import Warehouse

Installed = Callable[..., subprocess.CompletedProcess[str]]

SIGNAL = """
signals:
  custom:
    finish_share: {expression: "CAST(watch_ms >= 0.9 * length_ms AS DOUBLE)", weight: 0.1, range: [0, 1]}
"""
COLUMN = """
      - name: finish_share
        logicalType: number
        physicalType: DOUBLE
        description: Share of viewers who watched nine tenths of the video
        required: false
        logicalTypeOptions: {minimum: 0, maximum: 1}
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = [
        "wheel",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
        "--wheel-dir",
        str(folder),
        str(project_root()),
    ]
    _succeed([sys.executable, "-m", "pip", "--quiet", *build])
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Run `creatorpool` of the installed wheel to its end, with the dependencies of this environment."""
    home = tmp_path_factory.mktemp("environment")
    _succeed([sys.executable, "-m", "venv", "--without-pip", str(home)])
    (packages,) = home.glob("lib/python*/site-packages")
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed))
    install = ["install", "--no-deps", "--no-index", "--ignore-installed", str(wheel)]
    _succeed([sys.executable, "-m", "pip", "--quiet", "--python", str(home / "bin" / "python"), *install])

    def run(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [str(home / "bin" / "creatorpool"), *map(str, arguments)]
        return subprocess.run(
            command, cwd=cwd, env=_bare(**environment), capture_output=True, text=True, timeout=300, check=False
        )

    return run


def _succeed(command: list[str]) -> None:
    ended = subprocess.run(command, env=_bare(), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def _bare(**own: str) -> dict[str, str]:
    unwanted = ("PYTHONPATH", "CREATORPOOL_HOME", "CREATORPOOL_ROOT")
    environment = {name: value for name, value in fresh_environment().items() if name not in unwanted}
    return environment | own


def test_wheel_has_the_checkouts_configuration_and_contracts(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        top = "creatorpool/defaults/"
        carried = {name.removeprefix(top): archive.read(name) for name in archive.namelist() if name.startswith(top)}

    shipped = [path for name in ("conf", "data_contracts") for path in (project_root() / name).rglob("*.yaml")]
    assert carried == {path.relative_to(project_root()).as_posix(): path.read_bytes() for path in shipped}


@pytest.mark.once
def test_installed_wheel_runs_the_demo_without_a_checkout(installed: Installed, tmp_path: Path) -> None:
    ended = installed("demo", "--alone", "--events", 3_000, "--set", "contracts.data_docs=false", cwd=tmp_path)

    assert ended.returncode == 0, ended.stderr
    assert "creatorpool/defaults" in ended.stderr, "the log names where the configuration came from"
    assert "Top creators" in ended.stdout
    tables = Warehouse(None, tmp_path / "demo-output" / "tables")
    assert tables.read_arrow("video_payouts", day=SYNTHETIC_DAY).num_rows > 0
    assert os.listdir(tmp_path) == ["demo-output"]


@pytest.mark.once
def test_project_of_an_installed_wheel_adds_a_signal(installed: Installed, raw_day: Path, tmp_path: Path) -> None:
    project = tmp_path / "project"
    assert installed("init", project, cwd=tmp_path).returncode == 0
    (project / "conf" / "signals.yaml").write_text(SIGNAL)
    contract = project / "data_contracts" / "video_signals.yaml"
    contract.write_text(contract.read_text().replace("    quality:\n", COLUMN.removeprefix("\n") + "    quality:\n", 1))
    night = ("run", "--date", DAY, "--source", raw_day, "--root", tmp_path / "tables")
    lean = ("--set", "contracts.data_docs=false", "--set", TOLERANT)

    ended = installed(*night, "--conf", "conf/recommended.yaml", *lean, cwd=project)

    assert ended.returncode == 0, ended.stderr
    shares = pl.read_delta(str(tmp_path / "tables" / "video_signals"), columns=["finish_share"])["finish_share"]
    assert shares.is_between(0, 1).all()
    assert shares.n_unique() > 2

    told = installed("config", "show", cwd=tmp_path, CREATORPOOL_HOME=str(project))
    assert "finish_share" in told.stdout
    assert f"# from {project / 'conf'}" in told.stdout
