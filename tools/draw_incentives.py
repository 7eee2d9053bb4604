"""Draws the pictures of docs/incentives.md: `python tools/draw_incentives.py docs/images`."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import altair as alt
import numpy as np

from creatorpool.incentives import (
    EngineState,
    Policy,
    TestPlan,
    ThompsonEngine,
    balance,
    count_cohort,
    estimate_cohort,
    implementability_bounty,
    implied_cost,
    marginal_gains_in_full,
    monotone_curve,
    pass_probability,
    payoffs,
    simulate_continuation,
    wilson_interval,
)

WIDTH, HEIGHT = 380, 250
RNG = np.random.default_rng(7)
QUALITY = RNG.beta(8, 12, 10_000)
COUNTS = count_cohort(QUALITY, RNG.random((10_000, 20)) < QUALITY[:, None])
TODAY = Policy(mass=18, n=20, k=8, bounty=5, g0=12, g1=26, revenue_share=0.5)
FOUND = estimate_cohort(COUNTS, TODAY)
COST = implied_cost(TODAY, FOUND.quality.value)


def main(folder: Path) -> None:
    """Write the charts to `folder`, one SVG file each."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {
        "pass-curve": pass_curve(),
        "marginal-value": marginal_value(),
        "marginal-gains": marginal_gains(),
        "continuation": continuation(),
    }
    for name, chart in pictures.items():
        chart.save(str(folder / f"incentives-{name}.svg"))


def pass_curve() -> alt.LayerChart | alt.FacetChart:
    """Bins with their intervals, the curve through them, and the slope at the median."""
    size, passes = COUNTS.entrants.sum(axis=1), COUNTS.entrants[:, int(TODAY.k) :].sum(axis=1)
    low, high = wilson_interval(passes, size)
    bins = rows(quality=COUNTS.proxy, passed=passes / size, low=low, high=high)
    inside = np.linspace(COUNTS.proxy[0], COUNTS.proxy[-1], 120)
    curves = rows(quality=inside, passed=monotone_curve(COUNTS, int(TODAY.k))(inside), line=["fitted curve"] * 120)
    curves += rows(quality=inside, passed=pass_probability(inside, 20, 8), line=["truth"] * 120)
    at, half = FOUND.quality.value, 0.06
    ends = np.array([at - half, at + half])
    slope = rows(
        quality=ends, passed=FOUND.probability.value + FOUND.slope.value * (ends - at), line=["slope at the median"] * 2
    )
    axis_x = alt.X("quality:Q", title="quality proxy", scale=alt.Scale(zero=False))
    axis_y = alt.Y("passed:Q", title="share that passed")
    points = alt.Chart(data(bins)).mark_point(color="#555", filled=True).encode(axis_x, axis_y)
    bars = alt.Chart(data(bins)).mark_rule(color="#555").encode(axis_x, alt.Y("low:Q"), alt.Y2("high:Q"))
    return alt.layer(bars, points, lines(curves + slope, axis_x, axis_y)).properties(width=WIDTH * 1.4, height=HEIGHT)


def marginal_value() -> alt.LayerChart | alt.FacetChart:
    """Marginal value of quality for the planner and for the creator, and its marginal cost."""
    certificate = implementability_bounty(TODAY, COST)
    q = np.linspace(0.15, 0.75, 160)
    paid = {f"creator, B = {bounty:.2f}": bounty for bounty in (0.0, 5.0, float(certificate.bounty))}
    curves = rows(quality=q, value=payoffs(TODAY, COST, q).marginal_exposure, line=["planner"] * q.size)
    for name, bounty in paid.items():
        at = payoffs(replace(TODAY, bounty=np.asarray(bounty)), COST, q)
        curves += rows(quality=q, value=at.private_gain, line=[name] * q.size)
    curves += rows(quality=q, value=COST.slope(q), line=["marginal cost"] * q.size)
    target = rows(quality=[float(certificate.target_quality)])
    axis_x, axis_y = (
        alt.X("quality:Q", scale=alt.Scale(zero=False)),
        alt.Y("value:Q", title="value per unit of quality"),
    )
    mark = alt.Chart(data(target)).mark_rule(strokeDash=[4, 4], color="#555").encode(alt.X("quality:Q"))
    return alt.layer(mark, lines(curves, axis_x, axis_y)).properties(width=WIDTH * 1.4, height=HEIGHT)


def marginal_gains() -> alt.HConcatChart:
    """MV_N and MV_B of two segments as N and B move away from the balanced policies, and the common prices."""
    other = replace(TODAY, g1=np.asarray(24.0))
    segments = {"segment 1": TODAY, "segment 2": other}
    costs = [implied_cost(TODAY, 0.40), implied_cost(other, 0.42)]
    found = balance(list(segments.values()), [0.6, 0.4], (17.0, 3.5), costs)
    panels = []
    for name, title, price, below, above in (
        ("mass", "discounted impressions N", found.prices.lambda_imp, 0.8, 2.0),
        ("bounty", "bounty B", found.prices.lambda_cash, 0.2, 0.8),
    ):
        curves, points = [], []
        for label, policy, cost in zip(segments, found.policies, costs, strict=True):
            centre = float(getattr(policy, name))
            x = np.linspace(centre - below, centre + above, 61)
            curves += rows(x=x, gain=gains(policy, cost, name, x, found.prices.lambda_cash), line=[label] * x.size)
            here = gains(policy, cost, name, np.array([centre]), found.prices.lambda_cash)
            points += rows(x=[centre], gain=here, line=[label])
        axis_x = alt.X("x:Q", title=title, scale=alt.Scale(zero=False))
        kind = "MV_N, less the cash it draws" if name == "mass" else "MV_B"
        axis_y = alt.Y("gain:Q", title=kind, scale=alt.Scale(zero=False))
        rule = alt.Chart(data(rows(gain=[price]))).mark_rule(strokeDash=[4, 4], color="#555").encode(alt.Y("gain:Q"))
        dots = alt.Chart(data(points)).mark_point(filled=True, size=70).encode(axis_x, axis_y, alt.Color("line:N"))
        panels.append(alt.layer(rule, lines(curves, axis_x, axis_y), dots).properties(width=WIDTH * 0.8, height=HEIGHT))
    return alt.hconcat(*panels)


def gains(policy: Policy, cost: object, name: str, x: np.ndarray, cash_price: float) -> np.ndarray:
    """The marginal gain of one instrument at each of its (n,) values x; the other instrument does not change."""
    found = []
    for value in x:
        at = marginal_gains_in_full(replace(policy, **{name: np.asarray(value)}), cost)  # type: ignore[arg-type]
        found.append(float(at.mv_n - cash_price * at.spend_per_mass) if name == "mass" else float(at.mv_b))
    return np.array(found)


class Recorded:
    """An engine that records the mean share of each period, after a pass and after a fail."""

    def __init__(self, engine: ThompsonEngine) -> None:
        self.engine = engine
        self.shares: dict[bool, list[float]] = {True: [], False: []}

    def __call__(self, state: EngineState) -> np.ndarray:
        """The engine's shares."""
        share = self.engine(state)
        self.shares[bool(state.passed[0])].append(float(share.mean()))
        return share


def continuation() -> alt.HConcatChart:
    """Exposure of entrants of one quality in each period after the test, and its discounted sum."""
    plan = TestPlan(n=20, k=8, prior=(2.0, 3.0), delta=0.95, start=1)
    engine = Recorded(ThompsonEngine(np.array([0.45, 0.42, 0.38]), np.array([0.6, 0.3, 0.1])))
    simulate_continuation(engine, plan, quality=[0.4], paths=4000)
    periods = np.arange(1, 61)
    each, summed = [], []
    for passed, label in ((True, "after pass"), (False, "after fail")):
        share = np.array(engine.shares[passed][: periods.size])
        each += rows(period=periods, value=share, line=[label] * periods.size)
        summed += rows(period=periods, value=np.cumsum(plan.delta**periods * share), line=[label] * periods.size)
    axis_x = alt.X("period:Q", title="period after entry")
    panels = [
        lines(content, axis_x, alt.Y("value:Q", title=title)).properties(width=WIDTH * 0.8, height=HEIGHT)
        for content, title in ((each, "exposure in the period"), (summed, "discounted exposure so far"))
    ]
    return alt.hconcat(*panels)


def lines(content: list[dict[str, object]], x: alt.X, y: alt.Y) -> alt.Chart:
    """A chart with one line per name, in the order of the rows."""
    names = list(dict.fromkeys(str(row["line"]) for row in content))
    color = alt.Color("line:N", title=None, sort=names)
    return alt.Chart(data(content)).mark_line(clip=True).encode(x, y, color)


def rows(**columns: object) -> list[dict[str, object]]:
    """Columns as rows, without NaN. Numbers are rounded, so that a redrawn file changes only where the picture does."""
    plain = {name: np.asarray(values).tolist() for name, values in columns.items()}
    names = list(plain)
    return [
        {name: round(value, 5) if isinstance(value, float) else value for name, value in zip(names, row, strict=True)}
        for row in zip(*plain.values(), strict=True)
        if not any(isinstance(value, float) and np.isnan(value) for value in row)
    ]


def data(content: list[dict[str, object]]) -> alt.InlineData:
    """Rows as inline data of a chart."""
    return alt.InlineData(values=content)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images"))
