"""The worked example of docs/incentives.md, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "incentives.md"


def test_worked_example_of_the_page_gives_its_numbers() -> None:
    text = PAGE.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    exec(re.search(r"```python\n(.*?)```", text, re.DOTALL)[1], names)  # type: ignore[index]
    found, certificate = names["found"], names["certificate"]
    for name, shown in re.findall(r"^\| `(\w+)`[^|]*\| ([\d.]+) \|", text, re.MULTILINE):
        value = getattr(found, name)
        number = value if isinstance(value, float) else value.value
        assert f"{number:.{len(shown.split('.')[1])}f}" == shown, name
    assert certificate.target_quality == pytest.approx(0.482, abs=5e-4)  # type: ignore[attr-defined]
    assert certificate.bounty == pytest.approx(12.55, abs=5e-3)  # type: ignore[attr-defined]
    assert certificate.certified  # type: ignore[attr-defined]
