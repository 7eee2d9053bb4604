"""The pages agree with conf/base.yaml, the contracts, the code, and each other."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer
import yaml
from tests.checkout import project_root

from creatorpool.cli.main import app
from creatorpool.contracts import load_contracts
from creatorpool.ingest.conversion import RATES
from creatorpool.runs.postings import HOLDS, RIGHTS
from creatorpool.runs.published import INVALID
from creatorpool.settlement import journal
from creatorpool.settlement.restatement import Policy

PROJECT = project_root()
DOCS = PROJECT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), *(PROJECT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md"))]
CITING = ("lib", "jobs", "tests", "tools", "benchmarks", "conf", "data_contracts", "docs")

PLACES = r"§\d+(?:\.\d+)*(?:(?:, | and )§\d+(?:\.\d+)*)*"
"""One or several sections, such as "§1.2", "§1.2, §6.2" or "§1.2 and §6.2\""""
OWN_SECTIONS = re.compile(rf"[Ff]ormulas ({PLACES})")
SECTIONS_OF_A_SOURCE = re.compile(rf"\bS\d ({PLACES})")
SOURCE = re.compile(r"\bS\d\b")


def leaves(settings: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


def test_configuration_page_has_every_key_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| `([^`]*)` \|", (DOCS / "configuration.md").read_text("utf-8"), re.MULTILINE)
    base = yaml.safe_load((PROJECT / "conf" / "base.yaml").read_text("utf-8"))

    assert {key: yaml.safe_load(default) for key, default in rows} == dict(leaves(base))
    assert len(rows) == len(dict(rows))


def test_tables_page_agrees_with_the_contracts() -> None:
    written = runpy.run_path(str(PROJECT / "tools" / "describe_tables.py"))["tables_page"](load_contracts())

    assert (DOCS / "tables.md").read_text("utf-8") == written, "run: python tools/describe_tables.py > docs/tables.md"


def citing_texts() -> Iterator[tuple[str, str]]:
    """Every file that may cite a formula or a source, on one line: citations run over line ends."""
    paths = [path for folder in CITING for path in sorted((PROJECT / folder).rglob("*"))]
    for path in [*paths, PROJECT / "README.md", PROJECT / "CHANGELOG.md"]:
        if path.suffix in (".py", ".md", ".yaml") and path != Path(__file__):
            yield str(path.relative_to(PROJECT)), " ".join(path.read_text("utf-8").split())


def anchors(page: Path) -> set[str]:
    """Anchors of a page: explicit ones, and those that GitHub and mkdocs make from headings."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    slugs = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    return slugs | set(re.findall(r'<a id="([^"]+)"', text))


def formula_sections() -> list[str]:
    return re.findall(r"^#+ (\d+(?:\.\d+)*) ", (DOCS / "formulas.md").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_have_targets(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:\s]*)(?:#([^)\s]+))?\)", page.read_text("utf-8"))
    targets = [(page if not name else page.parent / name, anchor) for name, anchor in links]

    assert not [str(path) for path, _ in targets if not path.exists()]
    assert not [(path.name, anchor) for path, anchor in targets if anchor and anchor not in anchors(path)]


def test_guide_for_contributors_names_files_targets_and_verbs_that_exist() -> None:
    text = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    paths = set(re.findall(r"`([\w.]+/[\w./-]*)`", text)) - {"site/", "dist/"}
    targets = set(re.findall(r"`make ([a-z-]+)`", text))
    verbs = set(re.findall(r"`creatorpool ([a-z-]+)`", text))

    assert len(paths) > 40
    assert not [name for name in sorted(paths) if not (PROJECT / name).exists()]
    assert targets <= set(re.findall(r"^([a-z-]+):.*##", (PROJECT / "Makefile").read_text("utf-8"), re.MULTILINE))
    group: Any = typer.main.get_command(app)
    assert verbs <= set(group.commands)


def test_glossary_is_linked_and_each_chapter_in_alphabetical_order() -> None:
    text = (DOCS / "glossary.md").read_text("utf-8")
    chapters = [re.findall(r"^\| ([^|]+) \|", chapter, re.MULTILINE)[2:] for chapter in text.split("\n## ")[1:]]
    words = [word.lower() for chapter in chapters for word in chapter]

    assert "(docs/glossary.md)" in (PROJECT / "README.md").read_text("utf-8")
    assert all(chapter == sorted(chapter, key=str.lower) for chapter in chapters)
    assert len(words) == len(set(words)) > 150


def test_glossary_has_the_words_of_the_books() -> None:
    (chapter,) = re.findall(r"^## Settlement\n(.*?)^## ", (DOCS / "glossary.md").read_text("utf-8"), re.M | re.DOTALL)
    meanings = dict(re.findall(r"^\| ([^|]+) \| (.+) \|$", chapter, re.MULTILINE))
    kinds = {journal.ADJUSTMENT, journal.HOLD, journal.RELEASE, journal.PAYMENT, journal.RETURN}
    accounts = {journal.ADVERTISERS, journal.PLATFORM_SHARE, journal.GOODWILL, journal.PAYABLE, journal.HELD}

    assert {*get_args(Policy), *kinds} <= set(meanings)
    assert set(re.findall(r"`([^`]+)`", meanings["account"])) == {
        *accounts,
        journal.CASH,
        f"{journal.UNALLOCATED}:<category>",
    }


def test_operations_names_each_delivered_table_of_which_maintain_keeps_versions() -> None:
    text = (DOCS / "operations.md").read_text("utf-8")
    (kept,) = re.findall(r"`creatorpool maintain` never deletes\n(.*?)`--keep-days`", text, re.DOTALL)

    assert set(re.findall(r"`(\w+)`", kept)) == {RIGHTS, HOLDS, INVALID, RATES}


def test_each_formula_section_has_its_anchor() -> None:
    sections = formula_sections()

    assert len(sections) == len(set(sections)) > 50
    assert {f"section-{section}" for section in sections} == {
        anchor for anchor in anchors(DOCS / "formulas.md") if anchor.startswith("section-")
    }


def test_cited_formula_sections_exist() -> None:
    cited = {
        (place, number)
        for place, text in citing_texts()
        for sections in OWN_SECTIONS.findall(text)
        for number in re.findall(r"\d+(?:\.\d+)*", sections)
    }
    known = set(formula_sections())

    assert len(cited) > 100
    assert not sorted((place, number) for place, number in cited if number not in known)


def test_sections_are_cited_in_one_form() -> None:
    """Sections are cited as "formulas §1.2", or as "S4 §5.3" of a source; § has no other use."""
    others = {
        place: rest
        for place, text in citing_texts()
        if (rest := re.findall(r".{0,30}§.{0,10}", SECTIONS_OF_A_SOURCE.sub("", OWN_SECTIONS.sub("", text))))
    }
    assert not others
    numbered = {place for place, text in citing_texts() if re.search(r"\b[Ff]ormulas (?:section )?\d", text)}
    assert not numbered


def test_cited_sources_are_defined() -> None:
    defined = {
        anchor.removeprefix("source-") for anchor in anchors(DOCS / "formulas.md") if anchor.startswith("source-")
    }
    cited = {(place, label) for place, text in citing_texts() for label in SOURCE.findall(text)}
    absent = re.findall(r"There is no source (S\d)", (DOCS / "formulas.md").read_text("utf-8"))

    assert not sorted((place, label) for place, label in cited if label not in {*defined, *absent})
    assert defined <= {label for _, label in cited}


def test_code_named_beside_a_formula_exists() -> None:
    text = (DOCS / "formulas.md").read_text("utf-8")
    tables = re.findall(r"^\|[^\n]*\| code \|\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    cells = [row.rsplit("|", 2)[-2] for table in tables for row in table.splitlines()]
    named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
    named |= {
        name for line in re.findall(r"Code:\s((?:`\w+`[,.]?\s?)+)", text) for name in re.findall(r"`(\w+)`", line)
    }

    assert len(named) > 100
    assert not sorted(named - defined_names())


def defined_names() -> set[str]:
    """Functions, classes and module-level constants of the package."""
    names: set[str] = set()
    for path in (PROJECT / "lib" / "creatorpool").rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        names |= {
            target.id
            for node in tree.body
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
    return names
