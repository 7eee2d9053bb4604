"""One session per process, on the engine of `--engine`; the suite runs once on each engine."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession
from tests.checkout import project_root
from tests.chromium import Browser, chromium, installed

from creatorpool.session import EMBEDDED, open_session
from creatorpool.settings import Settings, load_settings
from creatorpool.tables import Warehouse

settings.register_profile(
    "creatorpool",
    derandomize=True,  # the same examples on every run
    deadline=None,  # a slow machine is no failure
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("creatorpool")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--engine", default=EMBEDDED, help="embedded, spark or sc://host:port")
    parser.addoption("--prove", action="store_true", help="run the long batteries, marked `prove`, and nothing else")
    parser.addoption("--histories", type=int, default=300, help="random histories of the books in the long battery")
    parser.addoption("--seed", type=int, default=0, help="the seed of these histories: each seed gives others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _mark_engine_items(items)
    is_proof = bool(config.getoption("--prove"))
    # Not by `-m`: pytest uses only the last one, and runs on Spark have `-m engine`.
    chosen = [item for item in items if (item.get_closest_marker("prove") is not None) == is_proof]
    if len(chosen) < len(items):
        config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
        items[:] = chosen


def _mark_engine_items(items: list[pytest.Item]) -> None:
    for item in items:
        is_once = item.get_closest_marker("once") is not None
        if not is_once and {"spark", "engine", "warehouse"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.config.getoption("--engine"))


@pytest.fixture(scope="session")
def configuration() -> Settings:
    return load_settings()


@pytest.fixture(scope="session")
def spark(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    scratch = tmp_path_factory.mktemp("spark")
    spark_conf = {
        "spark.master": "local[2]",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        # The inputs are tiny: planning again between stages costs more than it saves.
        "spark.sql.adaptive.enabled": "false",
        # Likewise to compile each plan. The nights of tests/integration run compiled ones.
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        # A JVM of minutes spends most on compiling itself.
        "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    }
    base = load_settings().engine
    chosen = base.model_copy(update={"driver_memory": "2g", "spark": spark_conf, "memory_share": 0.2})
    os.chdir(scratch)
    with open_session(engine, chosen, "creatorpool-tests") as session:
        yield session


@pytest.fixture
def warehouse(spark: SparkSession, tmp_path: Path) -> Warehouse:
    return Warehouse(spark, tmp_path / "warehouse")


@pytest.fixture(scope="session")
def kuairand() -> Path:
    """The cut of real KuaiRand logs; without it, tests that need it are skipped."""
    return _shared_folder("kuairand")


@pytest.fixture(scope="session")
def open_bandit() -> Path:
    """The cut of the Open Bandit data; without it, tests that need it are skipped."""
    return _shared_folder("open-bandit")


def _shared_folder(name: str) -> Path:
    folder = SHARED_DATA / name
    if not folder.is_dir():
        pytest.skip(f"real logs are not here: {folder}")
    return folder


@pytest.fixture
def copied_contracts(tmp_path: Path) -> Path:
    """A copy of data_contracts/ that a test may change."""
    return Path(shutil.copytree(project_root() / "data_contracts", tmp_path / "data_contracts"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = installed()
    if path is None:
        # `make setup` installs a browser if it can: without it, the check must not pass.
        assert not os.environ.get("CI"), "no Chromium here: tools/setup_browser.sh installs one"
        pytest.skip("no Chromium here: tools/setup_browser.sh installs one")
    with chromium(path) as opened:
        yield opened
