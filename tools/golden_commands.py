"""The command lines that build the golden root from `golden_deliveries`: one night a day, each with its own policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tools.golden_deliveries import DAYS

Command = list[str]


def _set(*assignments: str) -> Command:
    return [word for assignment in assignments for word in ("--set", assignment)]


_BOUNDS = _set(
    "allocation.floor_micros=400",
    "allocation.cap_micros=40000",
    "allocation.categories={music: {floor_micros: 250000, cap_micros: 4000000}, news: {floor_micros: 90}}",
    "allocation.on_floors_exceed_pool=scale",
    "allocation.on_caps_below_pool=carry",
)
_CREATOR_CAPS = _set(
    "quality.smoothing=empirical_bayes",
    "allocation.creator_caps={unverified: 4000000, verified: 20000000}",
)
_ALL_BOUNDS = _set(
    "quality.smoothing=empirical_bayes",
    "allocation.objective=log",
    "allocation.lambda_eff=0.6",
    "allocation.floor_micros=20",
    "allocation.categories={comedy: {cap_micros: 5000}}",
    "allocation.creator_caps={unverified: 25000, verified: 5000000}",
    "allocation.on_caps_below_pool=carry",
)
_OTHER_POOLS = _set(
    "pools.platform_share=0.45",
    "pools.pulse_creator_share=0.6",
    "pools.pulse_videos_join_pools=false",
    "allocation.alpha=0.8",
    "allocation.lambda_eff=0.9",
    "signals.qualified_view={min_watch_ms: 500, min_share: 0.05}",
)
_FEW_ENTRANTS = _set(
    "incentives.horizon_days=4",
    "incentives.min_entrants=40",
    "incentives.replicates=200",
    "incentives.cash_per_entrant=2.0",
    "incentives.segments={comedy: {current_bounty: 5.0}}",
)
_FEW_CONTENTS = _set("delivery.fitted_days=all", "delivery.held_out_days=2", "delivery.plan_contents=4")
_FEW_CANDIDATES = _set("recommend.neighbours=5", "recommend.candidates=4", "recommend.pool=20")
_FEW_SETTINGS = _set("frontier.alpha=[0.5, 1.0]", "frontier.lambda_eff=[0.0, 0.3, 0.9, 1.0]")
_FEW_ATTACKS = _set(
    "integrity.fake_viewers=[1, 20]",
    "integrity.unverified_weights=[0.4]",
    "integrity.alpha=[1.0]",
    "integrity.most_exploitable=3",
)


def commands(folder: Path, conf: Path) -> Iterator[Command]:
    """Five nights from the deliveries in `folder`/raw, a republication, and the jobs around the nights.

    `conf` is the checkout's folder of overlays. The caller adds the options that all lines share: root and engine.
    """
    raw, chart = folder / "raw", _chart(folder)
    recommended = ["--conf", str(conf / "recommended.yaml")]
    yield ["creatorpool", *_over(0, "run", raw)]
    yield [*_over(1, "allocate_pool.py", raw), *_OTHER_POOLS]
    yield ["creatorpool", *_over(2, "run", raw), *recommended]
    yield ["creatorpool", *_over(3, "run", raw), *_BOUNDS]
    yield _over(4, "ingest_events.py", raw)
    yield [*_over(4, "build_signals.py"), *_CREATOR_CAPS]
    yield [*_over(4, "allocate_pool.py"), "--category", "music", *_CREATOR_CAPS]
    yield [*_over(4, "allocate_pool.py"), *_CREATOR_CAPS]
    # Late events of this day arrived with the two days after it.
    yield ["creatorpool", *_over(2, "run"), "--republish", *recommended]

    yield [*_over(3, "explain_payouts.py"), "--against", str(DAYS[2]), *_BOUNDS, "--against-conf", *recommended[1:]]
    yield [*_over(4, "creator_statements.py"), *_CREATOR_CAPS]
    yield [*_over(4, "compare_rules.py"), *_CREATOR_CAPS, *chart]
    yield [*_over(4, "sweep_frontier.py"), "--target", "gini=0.5", *_CREATOR_CAPS, *_FEW_SETTINGS, *chart]
    yield [*_over(4, "audit_integrity.py"), "--category", "music", *_CREATOR_CAPS, *_FEW_ATTACKS, *chart]


def commands_with_signal(folder: Path, signal: Path) -> Iterator[Command]:
    """The last two nights, with the custom signal of the overlay `signal`, and the jobs that read earlier days."""
    raw = folder / "raw"
    policy = ["--conf", str(signal), *_ALL_BOUNDS]
    days = ("--from", str(DAYS[5]), "--to", str(DAYS[6]))
    yield ["creatorpool", "backfill", *days, "--source", str(raw / "{date}"), *policy]
    yield [*_over(6, "creator_statements.py"), *policy]
    yield [*_over(6, "audit_integrity.py"), "--category", "comedy", *policy, *_FEW_ATTACKS, *_chart(folder)]
    yield [*_over(6, "estimate_incentives.py"), *_FEW_ENTRANTS]
    yield [*_over(6, "plan_delivery.py"), *_FEW_CONTENTS]
    yield [*_over(6, "build_candidates.py"), *_FEW_CANDIDATES]


def _chart(folder: Path) -> Command:
    # Drawing an SVG file takes a tenth of the time of the default page.
    return ["--chart", str(folder / "chart.svg")]


def _over(number: int, job: str, raw: Path | None = None) -> Command:
    """`job` for the day of this number, from its deliveries under `raw` if given."""
    source = [] if raw is None else ["--source", str(raw / str(DAYS[number]))]
    return [job, "--date", str(DAYS[number]), *source]
