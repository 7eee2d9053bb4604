"""Continuation values G0, G1, ΔG of each ranking engine, and the bounty that follows (docs/recommendation.md).

    python tools/compare_engines.py                      prints the table
    python tools/compare_engines.py docs/images          also draws the picture

It first trains a DQN agent on the simulated market, which needs the extra rl and half a minute.
"""

from __future__ import annotations

import sys
from pathlib import Path

import altair as alt
import numpy as np
from rich.console import Console
from rich.table import Table

from creatorpool.incentives import (
    ContinuationEstimate,
    Policy,
    PowerCost,
    TestPlan,
    best_response,
    implementability_bounty,
    simulate_continuation,
)
from creatorpool.recommend import (
    DQNAgent,
    FinalScorePolicy,
    RankingPolicy,
    SessionSimulator,
    SlateEngine,
    ThompsonPolicy,
    UcbPolicy,
)

PLAN = TestPlan(n=20, k=14, prior=(3.0, 2.0), delta=0.95, start=1)
"""Twenty test impressions in the first period; a period is a slate with the entrant among its ten candidates."""
COST = PowerCost(25.0, 4.0)
"""c(q) = 25 q⁴"""
REVENUE_SHARE = 0.5
CATEGORY = "music"
TRANSITIONS = 80_000


def main(folder: Path | None) -> None:
    simulator = SessionSimulator(seed=0)
    agent = DQNAgent(simulator)
    agent.train(TRANSITIONS)
    policies: dict[str, RankingPolicy] = {
        "final score": FinalScorePolicy(),
        "Thompson by video": ThompsonPolicy(),
        "UCB by video": UcbPolicy(),
        "DQN": agent,
    }
    engines = {name: SlateEngine(simulator, policy, PLAN, category=CATEGORY) for name, policy in policies.items()}
    Console(width=120).print(table_of(engines))
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        share_chart(engines).save(str(folder / "recommendation-engines.svg"))


def table_of(engines: dict[str, SlateEngine]) -> Table:
    """One row per engine: continuation values with 95 % intervals, and the bounty that follows from them."""
    table = Table(title=f"An entrant in {CATEGORY}, tested on {PLAN.n} impressions, bar {PLAN.k}")
    table.add_column("engine")
    for name in ("G0", "G1", "ΔG", "q̂, no bounty", "q*", "B*", "π(q*)B*", "certified"):
        table.add_column(name, justify="right")
    for name, engine in engines.items():
        found = simulate_continuation(engine, PLAN, paths=4000)
        policy = Policy(float(PLAN.n), PLAN.n, PLAN.k, 0.0, found.g0, found.g1, REVENUE_SHARE)
        certificate = implementability_bounty(policy, COST)
        table.add_row(
            name,
            *(shown(found, value) for value in ("g0", "g1", "spread")),
            f"{float(best_response(policy, COST)):.3f}",
            f"{certificate.target_quality:.3f}",
            f"{certificate.bounty:.2f}",
            f"{certificate.expected_spend:.2f}",
            "yes" if certificate.certified else "no",
        )
    return table


def shown(found: ContinuationEstimate, name: str) -> str:
    """A value and half the width of its interval."""
    low, high = found.interval(name)
    return f"{getattr(found, name):.2f} ± {(high - low) / 2:.2f}"


def share_chart(engines: dict[str, SlateEngine]) -> alt.Chart:
    """Chart of the share of slates by posterior mean, right after the test, one line per engine."""
    mean = np.linspace(0.2, 0.95, 76)
    total = np.full(mean.size, PLAN.n + sum(PLAN.prior))
    rows = [
        {"mean": round(float(m), 4), "share": round(float(share), 5), "engine": name}
        for name, engine in engines.items()
        for m, share in zip(mean, engine.share(mean, total), strict=True)
    ]
    chart: alt.Chart = (
        alt.Chart(alt.InlineData(values=rows), width=420, height=260)
        .mark_line()
        .encode(
            x=alt.X("mean:Q", title="posterior mean of the entrant's success", scale=alt.Scale(zero=False)),
            y=alt.Y("share:Q", title="share of the slates that hold it"),
            color=alt.Color("engine:N", title=None, sort=list(engines)),
        )
    )
    return chart


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
