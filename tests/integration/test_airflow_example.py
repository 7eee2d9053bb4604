"""The example DAG names commands and options that exist; `make check-airflow` imports it with a real Airflow."""

from __future__ import annotations

import ast
from typing import Any

import typer
from tests.checkout import project_root

from creatorpool.cli.main import app
from creatorpool.errors import ConfigurationError, InputError

SOURCE = (project_root() / "docs" / "examples" / "airflow_dag.py").read_text("utf-8")


def called() -> list[list[str]]:
    """Command and options, without values, of each call of `creatorpool(...)`."""
    calls = [node for node in ast.walk(ast.parse(SOURCE)) if isinstance(node, ast.Call)]
    own = [node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "creatorpool"]
    return [
        [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)] for node in own
    ]


def test_example_dag_calls_commands_and_options_that_exist() -> None:
    group: Any = typer.main.get_command(app)
    known = {name: {flag for p in command.params for flag in p.opts} for name, command in group.commands.items()}

    assert [name for name, *_ in called()] == ["run", "verify", "maintain"]
    for name, *options in called():
        assert set(options) <= known[name]


def test_example_dag_does_not_retry_after_exit_codes_of_bad_input() -> None:
    codes = (InputError.exit_code, ConfigurationError.exit_code)

    assert f"BAD_INPUT, BAD_CONFIGURATION = {codes[0]}, {codes[1]}\n" in SOURCE
