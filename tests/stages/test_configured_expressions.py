"""The linter finds what a run would refuse: signals without a column, expressions that the engine cannot compute."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from tests.checkout import project_root

from creatorpool.cli.main import main
from creatorpool.errors import ConfigurationError, ContractError
from creatorpool.settings import Settings, load_settings
from creatorpool.stages.configured_expressions import configuration_faults, require_signal_columns

FINISH = (
    "signals.custom.finish_share={expression: 'CASE WHEN watch_ms >= 0.9 * length_ms THEN 1.0 ELSE 0.0 END', "
    "weight: 0.1, range: [0, 1]}"
)
CONTRACT = project_root() / "data_contracts" / "video_signals.yaml"


def test_configuration_of_the_project_has_no_fault_on_this_engine(spark: SparkSession, configuration: Settings) -> None:
    assert configuration_faults(configuration, spark) == []


def test_signal_without_its_column_is_found_without_an_engine() -> None:
    (fault,) = configuration_faults(load_settings((), [FINISH]), None)

    assert fault.startswith(f"signals.custom: signals ['finish_share'] have no column in {CONTRACT}: add a column")


def test_every_expression_that_cannot_be_computed_is_named(spark: SparkSession) -> None:
    broken = [
        FINISH.replace("watch_ms", "watched"),
        "recommend.interactions.liked=likd",
        "incentives.success=watch_ms >=",
        "incentives.replay_target=probability",
    ]
    faults = configuration_faults(load_settings((), broken), spark)

    keys = [fault.split(":")[0] for fault in faults]
    assert keys == [
        "signals.custom",
        "--set signals.custom.finish_share",
        "--set recommend.interactions.liked",
        "--set incentives.success",
        "--set incentives.replay_target",
    ]
    assert "there is no column 'likd': did you mean 'liked'? Columns are ['" in faults[2]


def test_misspelt_column_of_an_overlay_is_named_with_its_line(spark: SparkSession, tmp_path: Path) -> None:
    overlay = tmp_path / "finish.yaml"
    overlay.write_text(
        "signals:\n  custom:\n    finish_share:\n      weight: 0.1\n      range: [0, 1]\n"
        "      expression: least(1.0, watch_mss / length_ms)\n"
    )

    (_, fault) = configuration_faults(load_settings([overlay]), spark)

    assert fault.startswith(
        f"{overlay}:6: signals.custom.finish_share: cannot compute a number from 'least(1.0, watch_mss / length_ms)': "
        "there is no column 'watch_mss': did you mean 'watch_ms'? Columns are ['"
    )


def test_lint_verb_names_the_signal_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ContractError, match=r"signals\.custom: signals .'finish_share'. have no column"):
        main(["contracts", "lint", "--set", FINISH])


def test_lint_of_another_folder_is_about_its_contracts_only(copied_contracts: Path) -> None:
    main(["contracts", "lint", str(copied_contracts), "--set", FINISH])


def test_signal_with_its_column_is_accepted(copied_contracts: Path) -> None:
    from creatorpool.contracts import load_contract

    path = copied_contracts / "video_signals.yaml"
    column = (
        "      - {name: finish_share, logicalType: number, physicalType: DOUBLE, description: Share, required: false,"
    )
    column += " logicalTypeOptions: {minimum: 0, maximum: 1}, customProperties: [{property: unit, value: share}]}\n"
    path.write_text(path.read_text("utf-8").replace("    properties:\n", f"    properties:\n{column}", 1), "utf-8")
    settings = load_settings((), [FINISH]).signals

    require_signal_columns(settings, load_contract("video_signals", copied_contracts))
    with pytest.raises(ConfigurationError, match="have no column") as caught:
        require_signal_columns(settings, load_contract("video_signals"))
    assert caught.value.exit_code == 3
    with pytest.raises(ConfigurationError, match=r"columns \['finish_share'\] of .*video_signals.yaml have no signal"):
        require_signal_columns(load_settings().signals, load_contract("video_signals", copied_contracts))
