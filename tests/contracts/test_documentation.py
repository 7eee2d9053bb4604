"""The library accepts what docs/contracts.md shows."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import yaml
from tests.checkout import project_root

from creatorpool.contracts import load_contract
from creatorpool.settings import SignalSettings, load_settings

PAGE = (project_root() / "docs" / "contracts.md").read_text(encoding="utf-8")


def _yaml_block(beginning: str) -> str:
    """The page's YAML block that begins with `beginning`, without indentation."""
    blocks = re.findall(r"^ *```yaml\n(.*?)^ *```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    (block,) = (block for block in blocks if block.lstrip().startswith(beginning))
    return textwrap.dedent(block)


def test_page_shows_a_valid_contract(tmp_path: Path) -> None:
    shown = _yaml_block("apiVersion").replace("required: true\n", "required: true\n        primaryKey: true\n", 1)
    shown = shown.replace("primaryKey: true\n", "primaryKey: true\n        primaryKeyPosition: 1\n")
    (tmp_path / "ad_revenue.yaml").write_text(shown, encoding="utf-8")
    contract = load_contract("ad_revenue", tmp_path)
    assert {rule.name for rule in contract.rules} == {
        *("revenue_micros_not_null", "revenue_micros_in_range", "placement_known", "not_empty", "key_unique")
    }


def test_page_adds_a_signals_column_to_its_contract(tmp_path: Path) -> None:
    published = (project_root() / "data_contracts" / "video_signals.yaml").read_text(encoding="utf-8")
    column = textwrap.indent(_yaml_block("- name: finish_share"), " " * 6)
    (tmp_path / "video_signals.yaml").write_text(
        published.replace("    quality:\n", f"{column}    quality:\n"), "utf-8"
    )
    contract = load_contract("video_signals", tmp_path)
    assert contract.column_names[-1] == "finish_share"
    assert {"finish_share_finite", "finish_share_in_range"} <= {rule.name for rule in contract.row_rules}


def test_page_adds_a_signal_that_the_settings_accept() -> None:
    shown = yaml.safe_load(_yaml_block("signals:"))["signals"]["custom"]
    changed = SignalSettings.model_validate({**load_settings().signals.model_dump(), "custom": shown})
    assert changed.custom["finish_share"].weight == 0.1
