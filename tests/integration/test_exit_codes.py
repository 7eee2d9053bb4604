"""A job that cannot do its work ends with an exit code and one clear message."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from tests.checkout import project_root
from tests.integration.conftest import DAY, Job

from creatorpool.errors import CreatorpoolError

NO_TRACE = "Traceback"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--date", "2026-13-01"], 2, "'2026-13-01' is not a date; write YYYY-MM-DD"),
        (["--date", "yesterday"], 2, "'yesterday' is not a date"),
        (["--date", "2026-W47-5"], 2, "'2026-W47-5' is not a date"),
        (["--date", "20261120"], 2, "'20261120' is not a date"),
        ([], 2, "Missing option '--date'"),
        (["--date", DAY, "--dat", "x"], 2, "No such option: --dat"),
        (["--date", DAY, "--set", "allocation.alhpa=0.5"], 3, "unknown key 'allocation.alhpa'"),
        (["--date", DAY, "--set", "signals.action_weights.like=0.9"], 3, "signals.action_weights must sum to 1"),
        (["--date", DAY, "--conf", "nowhere.yaml"], 3, "nowhere.yaml"),
        (["--date", DAY, "--engine", "flink"], 3, "got 'flink'"),
    ],
)
def test_job_with_wrong_arguments_or_settings_stops_before_it_starts(
    tmp_path: Path, arguments: list[object], code: int, message: str
) -> None:
    main = runpy.run_path(str(project_root() / "jobs" / "allocate_pool.py"))["main"]

    with pytest.raises(CreatorpoolError, match=re.escape(message)) as caught:
        main(["--root", str(tmp_path / "tables"), *map(str, arguments)])

    assert caught.value.exit_code == code
    assert not (tmp_path / "tables").exists()


def test_job_with_a_misspelt_setting_leaves_with_exit_code_3_and_one_message(job: Job, tmp_path: Path) -> None:
    ended = job("allocate_pool.py", "--date", DAY, "--root", tmp_path / "tables", "--set", "allocation.alhpa=0.5")

    assert ended.returncode == 3
    assert "unknown key 'allocation.alhpa'" in ended.stderr
    assert NO_TRACE not in ended.stderr


@pytest.mark.once
def test_job_without_its_input_names_the_missing_file(job: Job, tmp_path: Path, engine: str) -> None:
    (tmp_path / "raw").mkdir()

    ended = job(
        "allocate_pool.py", "--date", DAY, "--source", tmp_path / "raw", "--root", tmp_path / "tables", engine=engine
    )

    assert ended.returncode == 2
    assert re.search(r"raw has no (ad_revenue|events|viewers|videos)\.parquet", ended.stderr)
    assert NO_TRACE not in ended.stderr


def test_job_of_a_day_never_ingested_says_what_to_run(job: Job, tmp_path: Path) -> None:
    ended = job("build_signals.py", "--date", DAY, "--root", tmp_path / "tables")

    assert ended.returncode == 2
    assert f"`creatorpool run --date {DAY} --source DIR`" in ended.stderr
