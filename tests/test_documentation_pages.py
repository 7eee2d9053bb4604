"""The reference pages say what conf/base.yaml and the contracts say."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from tests.checkout import project_root

from creatorpool.contracts import load_contracts

PROJECT = project_root()
DOCS = PROJECT / "docs"


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


def test_tables_page_is_what_the_contracts_give() -> None:
    written = runpy.run_path(str(PROJECT / "tools" / "describe_tables.py"))["tables_page"](load_contracts())

    assert (DOCS / "tables.md").read_text("utf-8") == written, "run: python tools/describe_tables.py > docs/tables.md"


@pytest.mark.parametrize("page", sorted(path.name for path in DOCS.glob("*.md")))
def test_links_between_pages_lead_somewhere(page: str) -> None:
    text = (DOCS / page).read_text("utf-8")

    missing = [link for link in re.findall(r"\]\(([^)#:]+)\)", text) if not (DOCS / link).exists()]
    assert not missing
