"""The measures of the library's plan, on a package of a few modules."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools.import_graph import ImportGraph
from tools.measure_plan import from_event_to_payout, main, policy_classes, single_importers

MODULES = {
    "__init__": '"""Nothing but words."""',
    "night": "from creatorpool import shared\nfrom creatorpool.parts.own import solve\n",
    "report": "import creatorpool.shared\n\ndef late():\n    from creatorpool.parts.chart import draw\n",
    "shared": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import creatorpool.report\nx = 1\n",
    "parts/__init__": '"""Nothing but words."""',
    "parts/own": "class Policy:\n    alpha: float\n    lambda_eff: float\n\nclass Other:\n    alpha: float\n",
    "parts/chart": "import numpy\n",
}


@pytest.fixture
def library(tmp_path: Path) -> Path:
    for name, text in MODULES.items():
        path = tmp_path / "creatorpool" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_measures_of_a_small_package(library: Path) -> None:
    graph = ImportGraph(library)

    assert from_event_to_payout(graph, ["creatorpool.night"]) == {
        "creatorpool.night", "creatorpool.shared", "creatorpool.parts.own",
    }  # fmt: skip
    assert single_importers(graph) == {
        "creatorpool.parts.own": "creatorpool.night",
        "creatorpool.parts.chart": "creatorpool.report",
    }
    assert policy_classes(graph) == ["Policy"]


def test_entry_that_does_not_exist_is_named(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--library", str(library), "--entries", "creatorpool.nigth"])

    assert "--entries: creatorpool.nigth not found" in capsys.readouterr().err


def test_printed_measures(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--library", str(library), "--entries", "creatorpool.night"])

    printed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert printed == ["5", "3", "2", "1"]
