"""No order of the steps of three commands breaks a promise, whichever runs end halfway and whatever clocks say.

`docs/promises.md` says what the model covers, and which function takes each of its steps.
"""

from __future__ import annotations

import re
from importlib import import_module
from itertools import combinations_with_replacement

import pytest
from tests.checkout import project_root
from tests.runs.protocol_commands import COMMANDS, STEPS
from tests.runs.protocol_search import search

Commands = tuple[str, str, str]

SEARCHED: list[tuple[Commands, bool]] = [
    (("post", "close", "load"), True),
    (("republish", "maintain", "query"), True),
    (("restate", "close", "load"), True),
    (("restate", "post", "maintain"), True),
    (("pay", "republish", "query"), False),
    (("pay", "pay", "post"), False),
]
"""Commands that meet, and whether the day is paid before"""

SAFEGUARDS: dict[str, tuple[Commands, bool, str]] = {
    "a commit checks the fences": (("pay", "pay", "load"), False, "rows that are not published"),
    "a takeover raises the fences": (("pay", "pay", "load"), False, "rows that are not published"),
    "a claim stays until its fences are raised": (("pay", "pay", "pay"), False, "rows that are not published"),
    "recovery claims what it undoes": (("pay", "maintain", "load"), False, "rows that are not published"),
    "rows 'running' come before the tables change": (("pay", "load", "maintain"), False, "rows that are not published"),
    "a row names the tables of its own stage": (("pay", "republish", "maintain"), False, "rows that are not published"),
    "a run looks again once it holds the claim": (("pay", "pay", "post"), False, "a night that is not the published"),
    "who settles a day claims its allocation": (("republish", "post", "load"), True, "a night that is not the publish"),
    "a settled day is not republished": (("republish", "post", "load"), True, "a night that is not the published one"),
    "a restatement looks again at the payouts": (("republish", "restate", "load"), True, "not the published ones"),
    "a restatement looks again at its inputs": (("restate", "restate", "load"), True, "of no undisturbed run"),
    "a posting looks again whether the month is closed": (("post", "close", "load"), True, "closed month has changed"),
    "a close looks again at what is due": (("restate", "close", "load"), True, "lacks an entry that was due"),
    "maintenance keeps what the ledger names": (("republish", "maintain", "query"), True, "was deleted"),
    "maintenance keeps young versions": (("republish", "maintain", "load"), True, "was deleted"),
    "a query looks again at the ledgers": (("republish", "query", "load"), True, "has seen two generations"),
}
"""Each safeguard, commands that need it, and what breaks without it"""


@pytest.mark.slow
@pytest.mark.parametrize(("commands", "is_paid"), SEARCHED)
def test_no_order_of_steps_breaks_a_promise(commands: Commands, is_paid: bool) -> None:
    found = search(*commands, is_paid=is_paid, faults=2)

    assert not found.broken, found
    assert found.states > 14_000, found


@pytest.mark.slow
@pytest.mark.parametrize("safeguard", SAFEGUARDS)
def test_without_a_safeguard_the_search_finds_how_a_promise_breaks(safeguard: str) -> None:
    commands, is_paid, broken = SAFEGUARDS[safeguard]

    found = search(*commands, is_paid=is_paid, without=safeguard)

    assert broken in found.broken, found
    assert 0 < len(found.trace) <= 30, found


@pytest.mark.prove
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("is_paid", [True, False])
def test_no_order_of_any_three_commands_breaks_a_promise(is_paid: bool) -> None:
    states = 0
    for commands in combinations_with_replacement(COMMANDS, 3):
        found = search(*commands, is_paid=is_paid, faults=2)
        assert not found.broken, found
        states += found.states

    print(f"{states:,} states")
    assert states > 100_000


@pytest.mark.prove
@pytest.mark.timeout(7_200)
def test_no_order_breaks_a_promise_with_two_faults_and_two_wrong_clocks() -> None:
    found = search("republish", "restate", "close", faults=2, skews=2)

    assert not found.broken, found
    assert found.states > 200_000, found


def test_page_names_each_step_with_the_function_that_takes_it() -> None:
    page = (project_root() / "docs" / "promises.md").read_text("utf-8")

    assert dict(re.findall(r"^\| `(\w+)` \| `(creatorpool\.[\w.]+)` \|", page, re.MULTILINE)) == {
        step: function for step, (_, function) in STEPS.items()
    }


@pytest.mark.parametrize("step", STEPS)
def test_library_has_the_function_of_each_step(step: str) -> None:
    function = STEPS[step][1]
    module, name = re.fullmatch(r"([a-z_.]+)\.(_?\w+|[A-Z]\w+\.\w+)", function).groups()
    found = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)

    assert callable(found)


def test_safeguards_are_those_of_the_model() -> None:
    folder = project_root() / "tests" / "runs"
    sources = "".join(path.read_text("utf-8") for path in folder.glob("protocol_*.py"))

    assert set(re.findall(r'without (?:!=|==) "([^"]+)"', sources)) == set(SAFEGUARDS)
