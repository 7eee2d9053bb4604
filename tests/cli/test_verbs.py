"""One command line: every job script is a verb with the same options; the parser guesses nothing."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.checkout import project_root
from tools.processes import fresh_environment
from typer.core import TyperCommand, TyperGroup

from creatorpool.cli.main import app, main
from creatorpool.errors import InputError
from creatorpool.runs.identity import code_version

COMMON: dict[str, Any] = {"--root": "warehouse", "--engine": None, "--conf": None, "--set": None}
DAY = COMMON | {"--date": ...}
STUDY = DAY | {"--category": None, "--chart": None}
AGAINST = {"--against": None, "--against-conf": None, "--against-set": None}

JOBS: dict[str, tuple[str, dict[str, Any]]] = {
    "allocate_pool": ("run", DAY | {"--source": None, "--category": None, "--dry-run": False, "--republish": False}),
    "audit_integrity": ("audit-integrity", STUDY),
    "build_candidates": ("candidates", DAY),
    "build_signals": ("signals", DAY),
    "compare_rules": ("compare-rules", STUDY),
    "creator_statements": ("statements", DAY | AGAINST | {"--creator": None}),
    "demo": (
        "demo",
        {
            "--root": Path("demo-output"),
            "--engine": "embedded",
            "--data": None,
            "--set": None,
            "--events": 200_000,
            "--alone": False,
        },
    ),
    "estimate_incentives": ("incentives", DAY),
    "evaluate_quality": (
        "evaluate-quality",
        DAY
        | {
            "--against": None,
            "--without": None,
            "--days": 1,
            "--min-viewers": 5,
            "--long-view-ms": 18_000,
            "--draws": 200,
            "--seed": 1,
        },
    ),
    "explain_payouts": ("explain", DAY | AGAINST | {"--creator": None, "--video": None, "--adjustments": False}),
    "ingest_events": ("ingest", DAY | {"--source": ..., "--format": None}),
    "load_table": ("load", COMMON | {"--source": ..., "--date": None}),
    "plan_delivery": ("plan-delivery", DAY | {"--content": None, "--frontier": False, "--chart": None}),
    "query": ("query", COMMON | {"--rows": None, "--format": "table", "--output": None}),
    "report": ("report", DAY | {"--output": None}),
    "restate": (
        "restate",
        DAY
        | {"--booked-on": None, "--policy": None, "--reason": None, "--note": None, "--dry-run": False}
        | {"--corrected": None, "--output": None},
    ),
    "sweep_frontier": ("sweep-frontier", STUDY | {"--target": None}),
    "whatif": ("whatif", STUDY),
}
"""The verb of each job script, and its options with their defaults, which must stay as they are."""


def leaves(group: TyperGroup, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], TyperCommand]]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from leaves(command, (*path, name))
        else:
            assert isinstance(command, TyperCommand)
            yield (*path, name), command


def options_of(command: TyperCommand) -> dict[str, Any]:
    return {flag: param for param in command.params if param.param_type_name == "option" for flag in param.opts}


GROUP = typer.main.get_command(app)
assert isinstance(GROUP, TyperGroup)
VERBS = dict(leaves(GROUP))


@pytest.fixture
def shown(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The output of a `main` for some arguments, without the name of the command."""
    monkeypatch.setenv("COLUMNS", "120")

    def run(called: Callable[[list[str]], None], *words: str) -> str:
        called(list(words))
        return re.sub(r"^ *Usage: .*? \[OPTIONS\]", "", capsys.readouterr().out, flags=re.MULTILINE).replace(" ", "")

    return run


def script_main(script: str) -> Callable[[list[str]], None]:
    called: Callable[[list[str]], None] = runpy.run_path(str(project_root() / "jobs" / f"{script}.py"))["main"]
    return called


def test_help_of_posting_names_all_that_it_posts() -> None:
    told = VERBS["journal", "post"].help or ""

    assert all(words in told for words in ("night", "restatements", "late and ended holds", "returned payments"))


def test_every_job_script_is_listed_here() -> None:
    assert {path.stem for path in (project_root() / "jobs").glob("*.py")} == set(JOBS)


@pytest.mark.parametrize("script", JOBS)
def test_job_script_is_its_verb(script: str, shown: Callable[..., str]) -> None:
    verb, _ = JOBS[script]

    own = shown(script_main(script), "--help")

    assert own == shown(main, verb, "--help")
    assert own == shown(script_main(script), "-h")
    assert "--help" in own


@pytest.mark.parametrize("script", JOBS)
def test_job_script_keeps_its_options_and_defaults(script: str) -> None:
    verb, promised = JOBS[script]
    options = options_of(VERBS[verb,])

    found = {flag: ... if options[flag].required else options[flag].default for flag in promised}
    assert found == promised
    # Options that can be repeated stay so.
    repeated = {"--conf", "--set", "--category", "--content", "--against-conf", "--against-set"} & set(promised)
    assert all(options[flag].multiple for flag in repeated)


@pytest.mark.parametrize("flag", ["--root", "--engine", "--conf", "--set", "--date", "--category", "--chart"])
def test_shared_option_is_the_same_in_every_verb(flag: str) -> None:
    # The demo makes its tables itself; lint starts an engine only if one is named; some verbs may name a day.
    may_name_day = {("status",), ("claims", "release"), ("load",), ("verify",)}
    own = {("demo",), ("contracts", "lint")} | (may_name_day if flag == "--date" else set())
    having = {path: options_of(verb)[flag] for path, verb in VERBS.items() if flag in options_of(verb)}
    shared = [option for path, option in having.items() if path not in own]

    meanings = {(o.help, o.metavar, o.default, o.required, o.multiple, o.envvar, o.name) for o in shared}
    assert len(shared) >= 3
    assert len(meanings) == 1


@pytest.mark.parametrize("path", [path for path, verb in VERBS.items() if "--date" in options_of(verb)])
def test_verb_over_a_day_takes_the_promised_options(path: tuple[str, ...]) -> None:
    if path not in {("status",), ("claims", "release")}:  # these start no engine
        assert set(COMMON) <= set(options_of(VERBS[path]))


@pytest.mark.parametrize("path", VERBS)
def test_verb_and_its_options_say_what_they_are(path: tuple[str, ...]) -> None:
    assert VERBS[path].help
    assert [param.name for param in VERBS[path].params if not getattr(param, "help", None)] == []


@pytest.mark.parametrize("path", VERBS)
def test_every_verb_may_be_quiet_or_verbose(path: tuple[str, ...]) -> None:
    assert {"--quiet", "--verbose"} <= set(options_of(VERBS[path]))


@pytest.mark.parametrize("path", VERBS)
def test_misspelt_option_is_not_taken_for_another(path: tuple[str, ...]) -> None:
    options = set(options_of(VERBS[path])) | {"--help"}
    for flag in sorted(options):
        for wrong in {flag[:-1], f"{flag}x"} - options - {"--"}:
            with pytest.raises(InputError, match=f"^creatorpool {' '.join(path)}: No such option: {wrong}") as caught:
                main([*path, wrong, "x"])
            assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("words", "sql"),
    [
        (["SELECT 1", "--rows", "3"], "SELECT 1"),
        (["--rows=3", "-- who earned most, a = b\nSELECT 1"], "-- who earned most, a = b\nSELECT 1"),
        (["--comment\nSELECT 1", "--rows", "3"], "--comment\nSELECT 1"),
        (["--rows", "3", "--root=my tables", "--", "--1"], "--1"),
    ],
)
def test_sql_may_begin_with_a_comment(words: list[str], sql: str) -> None:
    context = VERBS["query",].make_context("query", words)

    assert context.params["sql"] == sql
    assert context.params["rows"] == 3


@pytest.mark.parametrize("path", VERBS)
def test_verb_names_a_missing_argument(path: tuple[str, ...]) -> None:
    needed = [param for param in VERBS[path].params if param.required]
    if needed:
        with pytest.raises(InputError, match=r"Missing (option|argument) '") as caught:
            main(list(path))
        assert caught.value.exit_code == 2


def test_root_comes_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CREATORPOOL_ROOT", str(tmp_path / "tables"))
    with pytest.raises(InputError, match=re.escape(f"published under {tmp_path / 'tables'}")):
        main(["status"])
    # An empty variable counts as unset, and not as the working directory.
    monkeypatch.setenv("CREATORPOOL_ROOT", "")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="published under warehouse"):
        main(["status"])


def command(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = fresh_environment(PYTHONPATH=os.pathsep.join(sys.path), **environment)
    line = [sys.executable, "-m", "creatorpool.cli", *words]
    return subprocess.run(line, capture_output=True, text=True, env=variables, check=False, timeout=120)


def test_help_needs_no_engine_and_no_tables() -> None:
    heavy = {"pyspark", "pysail", "deltalake", "pyarrow", "pandas", "numpy", "numba", "great_expectations", "altair"}
    script = f"""
import sys
from creatorpool.cli.main import main
main(["--help"])
main(["run", "--help"])
print("loaded:", sorted({heavy!r} & set(sys.modules)))
"""
    environment = fresh_environment(PYTHONPATH=os.pathsep.join(sys.path))
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)

    assert ended.stdout.splitlines()[-1] == "loaded: []"
    assert "Studies" in ended.stdout


def test_wrong_command_line_is_one_line_and_exit_code_2() -> None:
    ended = command("run", "--dat", "2026-11-20")

    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert "ERROR creatorpool run: No such option: --dat" in line
    assert line.endswith("See `creatorpool run --help`")


def test_version_is_the_one_that_ledgers_keep() -> None:
    ended = command("--version")

    first, second = ended.stdout.splitlines()
    assert ended.returncode == 0
    assert first == f"creatorpool {code_version()}"
    assert re.fullmatch(r"Python 3\.\d+\.\d+, pyspark 4\S+, pysail \S+, deltalake \S+", second)


@pytest.mark.slow
def test_quiet_and_verbose_change_what_is_logged(tmp_path: Path) -> None:
    wrong = ("status", "--root", str(tmp_path / "nowhere"))

    usual, quiet, verbose = (command(*wrong, *option) for option in ((), ("--quiet",), ("--verbose",)))

    assert [ended.returncode for ended in (usual, quiet, verbose)] == [2, 2, 2]
    assert len(usual.stderr.splitlines()) == len(quiet.stderr.splitlines()) == 1
    assert "nothing is published under" in quiet.stderr
    assert "in existing_root" in verbose.stderr, "where in the code the error came from"


def completed(words: str) -> list[str]:
    told = command(_CREATORPOOL_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(words.count(" ")))
    return told.stdout.split()


@pytest.mark.slow
def test_shell_completes_verbs_options_and_choices() -> None:
    assert completed("creatorpool pl") == ["plan-delivery"]
    assert completed("creatorpool claims re") == ["release"]
    assert set(completed("creatorpool run --d")) == {"--date", "--dry-run"}
    assert completed("creatorpool ingest --format k") == ["kuairand"]


@pytest.mark.parametrize(("shell", "file"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_completion_installs_itself(tmp_path: Path, shell: str, file: str) -> None:
    # Typer detects the shell from its parent process; here the test sets it.
    named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    ended = command("--install-completion", shell, HOME=str(tmp_path), **named)

    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / file).is_file()
    assert any("_CREATORPOOL_COMPLETE" in path.read_text() for path in tmp_path.rglob("*creatorpool*"))
