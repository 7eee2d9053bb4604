"""The worked example of docs/incentives.md, run as printed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "incentives.md"


def test_worked_example_of_the_page_gives_its_numbers() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], names)
    found, certificate = names["found"], names["certificate"]
    rows = re.findall(r"^\| `(\w+)`[^|]*\| ([\d.]+) \| (?:([\d.]+) – ([\d.]+))?", text, re.MULTILINE)
    assert len(rows) == 10
    for name, *shown in rows:
        value = getattr(found, name)
        numbers = [value] if isinstance(value, float) else [value.value, value.low, value.high]
        for number, text_of_it in zip(numbers, shown, strict=False):
            if text_of_it:
                assert f"{number:.{len(text_of_it.split('.')[1])}f}" == text_of_it, name
    assert certificate.target_quality == pytest.approx(0.482, abs=5e-4)
    assert certificate.bounty == pytest.approx(12.55, abs=5e-3)
    assert certificate.certified
