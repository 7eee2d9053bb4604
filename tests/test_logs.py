"""Log lines in JSON, and no credentials in any line."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from tests.checkout import project_root
from tests.hostile_names import NAMES
from tools.processes import fresh_environment

from creatorpool.errors import ConfigurationError
from creatorpool.logs import CONTINUATION, JsonLines, TextLines, redacted
from creatorpool.quoting import one_line
from creatorpool.settings import load_settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.runner import Stage, publish_once
from creatorpool.tables import Warehouse


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3a://AKIA7:hunter2@bucket/tables is gone", "s3a://***@bucket/tables is gone"),
        ("abfss://c@account/x?sv=1&sig=hunter2%3D&se=2", "abfss://***@account/x?sv=1&sig=***&se=2"),
        ("{'AWS_SECRET_ACCESS_KEY': 'hunter2', 'region': 'x'}", "{'AWS_SECRET_ACCESS_KEY': ***, 'region': 'x'}"),
        ("fs.s3a.secret.key=hunter2 fs.s3a.endpoint=e", "fs.s3a.secret.key=*** fs.s3a.endpoint=e"),
        ('{"account_key": "hunter2 and more"}', '{"account_key": ***}'),
        ("password: hunter2", "password: ***"),
    ],
)
def test_credentials_are_not_shown(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "signals: done in 1.5 s",
        "2026-11-20 run=20261120T010203Z-0a1b2c3d pool_payouts: written in 0.1 s",
        "videos: key 'v1' is given twice, e.g. at 10:00",
        "sc://host:15002 engine, tables under s3a://bucket/tables",
    ],
)
def test_text_without_credentials_is_unchanged(text: str) -> None:
    assert redacted(text) == text


def logged(record_of: logging.Formatter, caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record_of.format(record) for record in caplog.records]


def test_json_lines_name_the_run_and_time_its_stages(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    night = RunContext(Warehouse(None, tmp_path), load_settings(), date(2026, 11, 20), dry_run=True)
    with caplog.at_level(logging.INFO, "creatorpool"), night.holding("signals", ("signals", night.day), ()):
        night.log("signals", "pool split", nu=0.5)

    lines = [json.loads(line) for line in logged(JsonLines(), caplog)]

    assert {line["run_id"] for line in lines} == {night.run_id}
    assert {line["day"] for line in lines} == {"2026-11-20"}
    assert lines[1]["nu"] == 0.5
    assert lines[2]["subject"] == "signals"
    assert lines[2]["seconds"] == pytest.approx(night.seconds["signals"], abs=1e-3)


def test_times_of_nested_stages_do_not_overlap(tmp_path: Path) -> None:
    night = RunContext(Warehouse(None, tmp_path), load_settings(), date(2026, 11, 20), dry_run=True)
    began = time.monotonic()
    with night.holding("ingest", ("ingest", night.day), ()):
        time.sleep(0.02)
        stages = [Stage("signals", (), ()), Stage("allocate", (), ())]
        publish_once(night, stages, lambda: None, lambda: time.sleep(0.05))
    elapsed = time.monotonic() - began

    assert set(night.seconds) == {"ingest", "signals and allocate"}
    assert night.seconds["ingest"] >= 0.02
    assert night.seconds["signals and allocate"] >= 0.05
    assert sum(night.seconds.values()) <= elapsed


def test_json_lines_have_numbers_as_numbers(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    night = RunContext(Warehouse(None, tmp_path), load_settings(), date(2026, 11, 20), dry_run=True)
    with caplog.at_level(logging.DEBUG, "creatorpool"):
        night.note("events", "9 rows written in 0.5 s", rows=9, seconds=0.5)
        night.note("events", "committed as version 3", logging.DEBUG, version=3)

    first, second = (json.loads(line) for line in logged(JsonLines(), caplog))

    assert (first["level"], first["rows"], first["seconds"]) == ("INFO", 9, 0.5)
    assert (second["level"], second["version"]) == ("DEBUG", 3)
    assert logged(TextLines(), caplog)[0].endswith("events: 9 rows written in 0.5 s"), "numbers are said once"


@pytest.mark.slow
def test_error_in_json_mode_has_its_exit_code(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "creatorpool.cli", "status", "--root", str(tmp_path / "nowhere")]
    environment = fresh_environment(CREATORPOOL_LOG="json", PYTHONPATH=os.pathsep.join(sys.path))

    ended = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)

    line = json.loads(ended.stderr)
    assert (ended.returncode, line["exit_code"], line["error"]) == (2, 2, "MissingTableError")


def test_times_are_utc_with_offset_in_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    record = logging.LogRecord("creatorpool", logging.WARNING, "m.py", 1, "a warning", (), None)
    record.created = datetime(2026, 11, 20, 2, 0, 0, 123_456, UTC).timestamp()
    try:
        text, line = TextLines().format(record), JsonLines().format(record)
    finally:
        monkeypatch.undo()
        time.tzset()

    assert text == "2026-11-20T02:00:00.123+00:00 WARNING a warning"
    expected = {"time": "2026-11-20T02:00:00.123+00:00", "level": "WARNING", "message": "a warning"}
    assert json.loads(line) == expected


def test_tracebacks_are_redacted_too(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("creatorpool")
    with caplog.at_level(logging.INFO, "creatorpool"):
        try:
            raise OSError("no answer from https://me:hunter2@host/x?sig=hunter2")
        except OSError:
            logger.exception("the job failed")

    for shape in (JsonLines(), TextLines()):
        (line,) = logged(shape, caplog)
        assert "hunter2" not in line
        assert "no answer from https" in line


@pytest.mark.parametrize("name", ["spark.hadoop.fs.s3a.secret.key", "spark.ssl.keyPassword", "spark.x.accessKey"])
def test_secrets_are_refused_in_the_configuration(name: str) -> None:
    with pytest.raises(ConfigurationError, match="the configuration must not contain secrets"):
        load_settings(assignments=[f"engine.spark={{{name}: hunter2}}"])


@pytest.mark.slow
def test_job_in_json_mode_writes_only_json_and_no_credentials(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "creatorpool.cli", "verify", "--date", "2026-11-20", "--root", str(tmp_path)]
    environment = fresh_environment(CREATORPOOL_LOG="json", PYTHONPATH=os.pathsep.join(sys.path))
    secret = ["--set", "engine.spark={spark.hadoop.fs.s3a.secret.key: hunter2}"]

    ended = subprocess.run(
        [*command, *secret], capture_output=True, text=True, env=environment, check=False, cwd=project_root()
    )

    assert ended.returncode == 3
    (line,) = [json.loads(line) for line in ended.stderr.splitlines()]
    assert line["level"] == "ERROR"
    assert "spark.hadoop.fs.s3a.secret.key" in line["message"]
    assert "hunter2" not in ended.stderr + ended.stdout


@given(NAMES, NAMES)
def test_log_lines_of_any_name_are_one_line_each(name: str, fact: str) -> None:
    record = logging.LogRecord("creatorpool", logging.INFO, "m.py", 1, "pool %s: %s", (name, 1), None)
    record.facts = {"subject": fact, "counts": {fact: 1}}

    text, line = TextLines().format(record), JsonLines().format(record)

    assert len(text.splitlines()) == len(line.splitlines()) == 1
    assert text.encode("utf-8")
    assert line.encode("utf-8")
    assert one_line(name) in text or redacted(one_line(name)) != one_line(name)
    read = json.loads(line)
    assert read["subject"] == redacted(fact)
    assert read["counts"] == {fact: 1}


def test_traceback_lines_cannot_pass_for_log_lines() -> None:
    forged = "2026-11-20 03:00:00,000 ERROR forged"
    try:
        raise ValueError(f"name 'x\n{forged}\x1b[2J\u2028{forged}'")
    except ValueError:
        record = logging.LogRecord("creatorpool", logging.ERROR, "m.py", 1, "the job failed", (), sys.exc_info())

    first, *rest = TextLines().format(record).splitlines()

    assert first.endswith("ERROR the job failed")
    assert len(rest) >= 4
    assert all(line.startswith(CONTINUATION) for line in rest)
    assert not any("\x1b" in line for line in rest)
    assert len(JsonLines().format(record).splitlines()) == 1
