"""A fifth action takes a few lines in five files; then nights count, smooth, pay and audit it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from scipy.stats import entropy
from tests.checkout import project_root
from tests.tolerant import TOLERANT
from tools.processes import fresh_environment

from creatorpool.tables import Warehouse

pytestmark = pytest.mark.once  # the list does not depend on the engine

DAY = date(2026, 11, 20)
WEIGHTS = {"like": 0.1, "comment": 0.2, "share": 0.3, "follow": 0.3, "save": 0.1}
SMOOTHED = ("--set", "quality.smoothing=empirical_bayes")

# File, the line that the fifth action changes or follows, and the new text.
CHANGES = {
    "lib/creatorpool/actions.py": (
        '    Action("follow", "followed", ("subscribe", "subscribed")),\n',
        '    Action("follow", "followed", ("subscribe", "subscribed")),\n    Action("save", "saved"),\n',
    ),
    "lib/creatorpool/synthetic/behaviour.py": (
        '    "follow": ActionHabits(base=0.002, slope=0.06, outrage=0.01, liker=0.5),\n',
        '    "follow": ActionHabits(base=0.002, slope=0.06, outrage=0.01, liker=0.5),\n'
        '    "save": ActionHabits(base=0.004, slope=0.08, outrage=0.02, liker=0.1),\n',
    ),
    "conf/base.yaml": (
        "action_weights: {like: 0.1, comment: 0.2, share: 0.4, follow: 0.3}",
        "action_weights: {like: 0.1, comment: 0.2, share: 0.3, follow: 0.3, save: 0.1}",
    ),
    "data_contracts/events.yaml": (
        "        description: The viewer followed its creator\n        required: true\n",
        "        description: The viewer followed its creator\n        required: true\n"
        "      - name: saved\n"
        "        logicalType: boolean\n"
        "        physicalType: BOOLEAN\n"
        "        description: The viewer saved it\n"
        "        required: true\n",
    ),
    "data_contracts/video_signals.yaml": (
        "        description: Trust-weighted share of viewers who followed\n",
        "        description: Trust-weighted share of viewers who followed\n"
        "        required: true\n"
        "        logicalTypeOptions: {minimum: 0, maximum: 1}\n"
        "        customProperties: [{property: unit, value: share}]\n"
        "      - name: save_rate\n"
        "        logicalType: number\n"
        "        physicalType: DOUBLE\n"
        "        description: Trust-weighted share of viewers who saved\n",
    ),
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This checkout with the fifth action."""
    copy = tmp_path_factory.mktemp("fifth") / "checkout"
    for folder in ("lib", "conf", "data_contracts", "jobs"):
        # With the compiled code, which takes longer to make than all that follows.
        shutil.copytree(project_root() / folder, copy / folder)
    for name, (before, after) in CHANGES.items():
        text = (copy / name).read_text("utf-8")
        assert text.count(before) == 1, name
        (copy / name).write_text(text.replace(before, after), "utf-8")
    return copy


def run(checkout: Path, *command: object) -> None:
    environment = fresh_environment(PYTHONPATH=str(checkout / "lib"))
    ended = subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        cwd=checkout,
        env=environment,
        timeout=500,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def warehouse(checkout: Path) -> Warehouse:
    """A night of the changed checkout, with smoothed rates."""
    raw, root = checkout / "raw", checkout / "tables"
    market = "SyntheticMarket(seed=7, n_events=3_000)"
    run(
        checkout,
        "-c",
        "from datetime import date; from pathlib import Path\n"
        "from creatorpool.synthetic import SyntheticMarket\n"
        "from creatorpool.synthetic.day import generate_day\n"
        f"generate_day(Path('{raw}'), date({DAY:%Y, %-m, %-d}), {market})",
    )
    night = ("--date", DAY, "--root", root, "--engine", "embedded", *SMOOTHED)
    run(
        checkout,
        "jobs/allocate_pool.py",
        *night,
        "--source",
        raw,
        "--set",
        "contracts.data_docs=false",
        "--set",
        TOLERANT,
    )
    run(checkout, "jobs/audit_integrity.py", *night, "--set", "integrity.unverified_weights=[]")
    return Warehouse(None, root, checkout / "data_contracts")


def test_fifth_action_is_a_few_lines_in_at_most_six_files() -> None:
    added = [after.count("\n") - before.count("\n") for before, after in CHANGES.values()]

    assert len(CHANGES) <= 6
    assert sum(added) + 1 <= 16  # and one changed line of conf/base.yaml


def test_signals_count_the_fifth_action(warehouse: Warehouse) -> None:
    """The trust-weighted share of each video's viewers who saved it, from the stored events."""
    events = warehouse.read_arrow("events", ["video_id", "viewer_id", "saved", "watch_ms"], day=DAY).to_pandas()
    viewers = warehouse.read_arrow("viewers", ["viewer_id", "trust_tier"]).to_pandas()
    pairs = events.groupby(["video_id", "viewer_id"], as_index=False).agg({"saved": "any", "watch_ms": "max"})
    pairs = pairs.merge(viewers, on="viewer_id")
    pairs["weight"] = pairs.trust_tier.map({"verified": 1.0, "unverified": 0.8})
    saved = (pairs.weight * pairs.saved).groupby(pairs.video_id).sum()
    expected = saved / pairs.groupby("video_id").weight.sum()

    signals = warehouse.read_arrow("video_signals", day=DAY).to_pandas().set_index("video_id")
    assert signals.save_rate.gt(0).sum() > 20
    np.testing.assert_allclose(signals.save_rate, expected[signals.index], rtol=0, atol=1e-12)
    engagement = sum(weight * signals[f"{name}_rate"] for name, weight in WEIGHTS.items())
    np.testing.assert_allclose(signals.engagement_rate, np.minimum(1.0, engagement), rtol=0, atol=1e-12)
    rates = signals[[f"{name}_rate" for name in WEIGHTS]].to_numpy()
    acted = rates.sum(axis=1) > 0
    np.testing.assert_allclose(signals.engagement_diversity[acted], entropy(rates[acted], base=5, axis=1), atol=1e-12)


def test_fifth_action_is_smoothed_scored_paid_and_audited(warehouse: Warehouse) -> None:
    runs = warehouse.read_arrow("stage_runs", ["stage", "rows"]).to_pylist()
    assert any('"save_rate"' in (run["rows"] or "") for run in runs if run["stage"] == "signals")
    quality = warehouse.read_arrow("video_quality", day=DAY)
    assert pc.min(quality.column("raw_score")).as_py() > 0
    paid = warehouse.read_arrow("pool_payouts", ["payout_micros"], day=DAY)
    pools = warehouse.read_arrow("pool_revenue", ["pool_micros"], day=DAY)
    assert pc.sum(paid.column("payout_micros")) == pc.sum(pools.column("pool_micros"))
    assert warehouse.read_arrow("integrity_audit", ["gain_micros"], day=DAY).num_rows > 100
