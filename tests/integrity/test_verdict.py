"""The verdict of an audit, and its sentence in money."""

from __future__ import annotations

from creatorpool.comparison.compare import OWN
from creatorpool.integrity.attack import FakeViewer
from creatorpool.integrity.audit import AS_CONFIGURED, Finding
from creatorpool.integrity.market import Attack
from creatorpool.integrity.verdict import verdict_of
from creatorpool.report.integrity_summary import verdict_line

REPLAYER = FakeViewer("unverified", "replay", 5, True)
WATCHER = FakeViewer("verified", "watch", 1, False)
NAN = float("nan")


def finding(
    gain: float, cost: int, fake: FakeViewer = REPLAYER, fakes: int = 1, rule: str = OWN, **where: str
) -> Finding:
    at = {"variant": AS_CONFIGURED, "target": "exploitable"} | where
    return Finding("music", rule, at["variant"], at["target"], 1, Attack(0, fakes, fake), NAN, gain, 0.0, cost)


def test_worst_attack_is_named_with_the_setting_that_helps_most() -> None:
    found = verdict_of(
        [
            finding(90_000, 1_000),
            finding(125_000, 1_000),
            finding(150_000, 100_000, WATCHER),
            finding(120_000, 1_000, variant="alpha=0.25"),
            finding(4_000, 1_000, variant="smoothing=empirical_bayes"),
            finding(999_000, 1_000, rule="pro_rata"),
            finding(999_000, 1_000, target="small"),
        ]
    )

    assert found is not None
    assert verdict_line(found) == (
        "Verdict: exposed. At worst, a fake unverified viewer with 5 views that costs 0.0010 earns 0.1250; with "
        "quality.smoothing empirical_bayes it earns 0.0040."
    )


def test_attack_that_costs_more_than_it_earns_is_no_exposure() -> None:
    found = verdict_of([finding(900, 1_000), finding(10, 1_000, variant="alpha=1")])

    assert found is not None
    assert not found.is_exposed
    assert verdict_line(found).startswith("Verdict: not exposed. No attack that was tried earns more than it costs")


def test_remedy_must_help() -> None:
    found = verdict_of([finding(5_000, 1_000), finding(6_000, 1_000, variant="alpha=1")])

    assert found is not None
    assert found.remedy is None
    assert "no other setting that was tried earns the attacker less" in verdict_line(found)


def test_typical_videos_count_where_no_exploitable_ones_are_listed_each_for_one_fake_viewer() -> None:
    found = verdict_of([finding(50_000, 10_000, fakes=10, target="small"), finding(2_000, 1_000, target="large")])

    assert found is not None
    assert (found.gain, found.cost, found.fakes) == (5_000, 1_000, 10)
    assert verdict_of([finding(1.0, 1, rule="equal")]) is None
