"""What a user reads where a command cannot do its work: what is wrong, where, and what to do; without an engine."""

from __future__ import annotations

import os
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from creatorpool.cli.main import main
from creatorpool.errors import CreatorpoolError, OutlivedLeaseError, RunInProgressError
from creatorpool.runs.claims import EVERY_DAY, claimed
from creatorpool.storage.fence import Fence
from creatorpool.tables import Warehouse

DAY = date(2026, 11, 20)

FILES: dict[str, bytes] = {
    "typo.yaml": b"allocation:\n  alhpa: 0.5\n",
    "list.yaml": b"- a\n",
    "empty.yaml": b"",
    "broken.yaml": b"a: [\n",
    "latin.yaml": b"a: caf\xe9\n",
    "twice.yaml": b"allocation: {}\nallocation: {}\n",
}
RUN = ("run", "--date", str(DAY), "--root", "tables")
MESSAGES: list[tuple[tuple[str, ...], int, str]] = [
    (
        (*RUN, "--conf", "nosuch.yaml"),
        3,
        r"nosuch\.yaml: no such configuration file; folder /\S+ has \['broken.yaml', ",
    ),
    ((*RUN, "--conf", "."), 3, r"\.: the configuration file cannot be read: Is a directory"),
    ((*RUN, "--conf", "typo.yaml"), 3, r"typo\.yaml:2: unknown key 'allocation\.alhpa': did you mean 'allocation\.al"),
    ((*RUN, "--conf", "list.yaml"), 3, r"list\.yaml:1: a configuration file must hold keys with values, such as `all"),
    ((*RUN, "--conf", "empty.yaml"), 3, r"empty\.yaml:1: a configuration file must hold keys with values"),
    ((*RUN, "--conf", "broken.yaml"), 3, r"broken\.yaml:2: not valid YAML"),
    ((*RUN, "--conf", "latin.yaml"), 3, r"latin\.yaml: the configuration file must be text in UTF-8"),
    ((*RUN, "--conf", "twice.yaml"), 3, r"twice\.yaml:2: key 'allocation' is given twice, first on line 1"),
    ((*RUN, "--set", "allocation=3"), 3, r"--set allocation=3: allocation: must be a section of keys, got 3"),
    ((*RUN, "--set", "allocation.objective=x"), 3, r"allocation\.objective: must be 'linear' or 'log', got 'x'"),
    ((*RUN, "--set", "allocation.alpha"), 3, r"--set needs dotted\.key=value, got 'allocation\.alpha'"),
    ((*RUN, "--engine", "flink"), 3, r"engine must be 'embedded', 'spark' or 'sc://host:port', got 'flink'"),
    ((*RUN, "--engine", "sc://127.0.0.1:1"), 3, "engine 'sc://127.0.0.1:1': no server answers there .*: start it, or"),
    ((*RUN, "--engine", "sc://127.0.0.1:port"), 3, "engine 'sc://127.0.0.1:port': no server answers there"),
    (("run", "--date", str(DAY), "--root", "a|b"), 3, r"contains '\|': .*; rename the folder"),
    ((*RUN, "--quiet", "--verbose"), 2, "--quiet and --verbose are opposites: give one of them"),
    (
        ("status", "--root", "nowhere"),
        2,
        "nothing is published under nowhere: there is no such folder; name the .* --r",
    ),
    (("status", "--root", "tables"), 2, "nothing is published under tables$"),
    (("status", "--root", "tables", "--date", str(DAY)), 2, f"nothing of {DAY} is published under tables"),
    (("maintain", "--root", "nowhere"), 2, "nothing is published under nowhere: there is no such folder"),
    (("claims", "list", "--root", "nowhere"), 2, "nothing is published under nowhere: there is no such folder"),
    (("query", "SELECT 1", "--root", "nowhere"), 2, "nothing is published under nowhere: there is no such folder"),
    (("report", "--date", str(DAY), "--root", "tables"), 2, f"are not published .* run `creatorpool run --date {DAY}`"),
    (
        ("claims", "release", "singals", "--reason", "x", "--date", str(DAY), "--root", "tables"),
        2,
        "there is no stage 'singals': did you mean 'signals'\\? Stages are ingest, load, signals",
    ),
    (
        ("claims", "release", "zzz", "--reason", "x", "--date", str(DAY), "--root", "tables"),
        2,
        r"there is no stage 'zzz'\. Stages are ingest",
    ),
    (
        ("claims", "release", "signals", "--reason", "x", "--date", str(DAY), "--root", "tables"),
        2,
        f"nobody holds signals of {DAY}: `creatorpool claims list` shows the claims",
    ),
    (("rum",), 2, "No such command 'rum'. Did you mean 'run'"),
    (("run", "--dat", str(DAY)), 2, r"No such option: --dat .*--date"),
    (("compare-rules", "--date", str(DAY), "--chart", "x.pdf"), 2, "the file of a chart must end in one of"),
    (("sweep-frontier", "--date", str(DAY), "--target", "gini"), 2, "--target must be MEASURE=VALUE"),
    (("contracts", "lint", "nowhere"), 3, r"nowhere: no contracts \(\*\.yaml\) here"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory: files that are no configuration, and an empty folder of tables."""
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "tables").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(("words", "code", "message"), MESSAGES)
def test_message_says_what_is_wrong_where_and_what_to_do(
    place: Path, words: tuple[str, ...], code: int, message: str
) -> None:
    with pytest.raises(CreatorpoolError, match=message) as caught:
        main(list(words))

    assert caught.value.exit_code == code
    assert "\n" not in str(caught.value)
    assert os.listdir(place / "tables") == [], "nothing is written"


def test_held_claim_names_its_holder_in_words(tmp_path: Path) -> None:
    tables, lease = Warehouse(None, tmp_path), timedelta(hours=1)
    with (
        claimed(tables, "ingest", EVERY_DAY, "run-1", lease),
        pytest.raises(RunInProgressError) as caught,
        claimed(tables, "ingest", EVERY_DAY, "run-2", lease),
    ):
        pytest.fail("two runs hold one stage")

    assert re.fullmatch(
        r"ingest of every day is held by run run-1 \(process \d+ on \S+, since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\); "
        r"wait until it ends, or end it, and run again",
        str(caught.value),
    )


def test_run_that_lost_its_claim_names_stage_and_day_in_words(tmp_path: Path) -> None:
    tables = Warehouse(None, tmp_path)
    tables.ensure("stage_runs")
    early, late = (Fence("ingest/1970-01-01", token, "ingest of every day") for token in (1, 2))
    tables.fenced(late).raise_fences(["stage_runs"])

    with pytest.raises(OutlivedLeaseError, match=r"^ingest of every day: this run outlived its lease and another run"):
        tables.fenced(early).raise_fences(["stage_runs"])
