"""The weekly loop that steers N, B and the bar from what a platform can measure (formulas §3.9, S4 C.5, D.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from creatorpool.errors import InputError
from creatorpool.incentives.controls import Controls
from creatorpool.incentives.costs import QuadraticCost
from creatorpool.incentives.market import Measurement, SimulatedMarket, Truth
from creatorpool.incentives.menu import Budgets
from creatorpool.incentives.payoffs import leverage, payoffs
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.statics import MarginalGains, gains_at
from creatorpool.incentives.types import Floats

# Success rates are clipped to [this, 1 − this], so that the implied cost stays finite.
EXTREME_RATE = 1e-3


@dataclass(frozen=True)
class Prices:
    """The loop's current shadow prices."""

    imp: float
    cash: float

    def updated(self, over: Budgets, best: tuple[float, float], controls: Controls) -> Prices:
        """``λ ← [λ + ζ (used − budget)]₊``, up to the price that moves every instrument by its weekly cap.

        A higher price would have no further effect and would take weeks to fall. `over` is used − budget, `best` the
        largest marginal gains of all segments.
        """
        most = (
            max(0.0, best[0]) + controls.mass_cap / controls.mass_rate,
            max(0.0, best[1]) + controls.bounty_cap / controls.bounty_rate,
        )
        return Prices(
            min(most[0], max(0.0, self.imp + controls.impression_price_rate * over.impressions)),
            min(most[1], max(0.0, self.cash + controls.cash_price_rate * over.cash)),
        )

    def extrapolated(self, previous: Prices) -> Prices:
        """The prices after one more step of the same size. The loop steers by them, which damps oscillations."""
        return Prices(max(0.0, 2 * self.imp - previous.imp), max(0.0, 2 * self.cash - previous.cash))


@dataclass(frozen=True)
class SegmentState:
    """One segment in the loop."""

    policy: Policy
    previous: Policy
    """last week's policy, which the hold-out keeps"""
    reference: tuple[float, float] | None
    """ℓ and ΔG measured under `previous` last week"""
    gains: tuple[float, float] | None
    """smoothed MV_N, minus the value of the cash that it uses, and smoothed MV_B"""
    weeks_since_bar: int


@dataclass(frozen=True)
class CalibrationWeek:
    """Policies and results of one week; tuples have one entry per segment."""

    policies: tuple[Policy, ...]
    measured: tuple[Measurement, ...]
    truth: tuple[Truth, ...]
    used: Budgets
    prices: Prices
    rolled_back: tuple[bool, ...]


def implied_cost(policy: Policy, quality: float) -> QuadraticCost:
    """The quadratic cost under which `quality` solves the creator's first-order condition (formulas §3.9, S4 (47)).

    Raises
    ------
    InputError
        If quality earns the creator nothing under the policy, so that it implies no cost.
    """
    q = _clipped_rate(quality)
    gain = float(payoffs(policy, QuadraticCost(1.0), q).private_gain)
    if not gain > 0:
        raise InputError(f"quality earns nothing under this policy at quality {q}: it implies no cost")
    return QuadraticCost(gain / q)


def calibrate(
    market: SimulatedMarket,
    policies: Sequence[Policy],
    budgets: Budgets | tuple[float, float],
    weeks: int,
    *,
    controls: Controls | None = None,
    seed: int = 0,
) -> list[CalibrationWeek]:
    """Run the weekly loop of S4 C.5 and D.3 on a simulated market.

    Parameters
    ----------
    market : SimulatedMarket
        Segments with known truth. The loop sees only success rates, pass rates and ΔG.
    policies : sequence of s Policy
        The first week's policies.
    budgets : Budgets
        (N̄, B̄) per entrant.
    weeks : int
        Weeks to run, >= 1.
    controls : Controls, optional
        Step sizes, corridors and caps.
    seed : int
        Seed of the market's draws.

    Returns
    -------
    list of CalibrationWeek
        Each week's policies and their results.

    Raises
    ------
    InputError
        If the number of policies is not the number of segments, or weeks is below 1.
    """
    if len(policies) != len(market.shares):
        raise InputError(f"a market of {len(market.shares)} segments needs one policy each, got {len(policies)}")
    if weeks < 1:
        raise InputError(f"weeks must be >= 1, got {weeks}")
    settings, limits = controls or Controls(), Budgets(*budgets)
    rng = np.random.default_rng(seed)
    states = [SegmentState(policy, policy, None, None, 0) for policy in policies]
    prices, history = Prices(0.0, 0.0), []
    for week in range(weeks):
        record = _measure_week(market, states, week, settings, rng)
        over = Budgets(*(use - limit for use, limit in zip(record.used, limits, strict=True)))
        gains = [state.gains for state in states if state.gains is not None]
        best = (max((g[0] for g in gains), default=np.inf), max((g[1] for g in gains), default=np.inf))
        updated = prices.updated(over, best, settings)
        history.append(replace(record, prices=updated))
        steer = updated.extrapolated(prices)
        states = [
            next_state(state, measured, is_rolled_back, steer, settings)
            for state, measured, is_rolled_back in zip(states, record.measured, record.rolled_back, strict=True)
        ]
        prices = updated
    return history


def next_state(
    state: SegmentState, measured: Measurement, is_rolled_back: bool, prices: Prices, controls: Controls
) -> SegmentState:
    """Next week's policy of a segment, from this week's measurement."""
    shown = _leverage_and_spread(state.policy, measured)
    if is_rolled_back:
        return SegmentState(state.previous, state.previous, None, None, 0)
    gains = _smoothed(state.gains, _gains(state.policy, measured), prices, controls)
    policy = _stepped(state.policy, gains, prices, controls)
    step = _bar_step(shown[0], measured.pass_rate, controls) if state.weeks_since_bar >= controls.bar_pause else 0
    bar = int(np.clip(policy.k + step, 1, policy.n))
    moved_bar = bar != int(policy.k)
    if not moved_bar and policy.mass >= policy.n:
        policy = replace(policy, n=policy.n + 1)  # N needs a longer window; n and k never change in the same week
    return SegmentState(
        replace(policy, k=np.asarray(bar)), state.policy, shown, gains, 0 if moved_bar else state.weeks_since_bar + 1
    )


def _clipped_rate(rate: float) -> float:
    return float(np.clip(rate, EXTREME_RATE, 1.0 - EXTREME_RATE))


def _measure_week(
    market: SimulatedMarket, states: Sequence[SegmentState], week: int, controls: Controls, rng: np.random.Generator
) -> CalibrationWeek:
    """Measure the main part and the hold-out of each segment's cohort; `used` counts the current policies."""
    main, rolled_back = [], []
    for segment, state in enumerate(states):
        main.append(market.cohort(segment, state.policy, week, 1.0 - controls.holdout, rng))
        held, _ = market.cohort(segment, state.previous, week, controls.holdout, rng)
        rolled_back.append(_is_degraded(state, _leverage_and_spread(state.previous, held), controls))
    shares: Floats = np.asarray(market.shares, dtype=np.float64)
    paid = [state.policy.bounty * measured.pass_rate for state, (measured, _) in zip(states, main, strict=True)]
    used = Budgets(float(shares @ [state.policy.mass for state in states]), float(shares @ paid))
    measured, truth = zip(*main, strict=True)
    return CalibrationWeek(
        tuple(state.policy for state in states), measured, truth, used, Prices(0.0, 0.0), tuple(rolled_back)
    )


def _leverage_and_spread(policy: Policy, measured: Measurement) -> tuple[float, float]:
    """Measured ℓ and ΔG."""
    return float(leverage(policy, _clipped_rate(measured.success_rate))), measured.spread


def _is_degraded(state: SegmentState, shown: tuple[float, float], controls: Controls) -> bool:
    """Whether ℓ or ΔG fell too far in the hold-out, whose policy did not change."""
    if state.reference is None:
        return False
    return any(now < (1.0 - controls.roll_back) * before for now, before in zip(shown, state.reference, strict=True))


def _gains(policy: Policy, measured: Measurement) -> MarginalGains:
    as_measured = replace(policy, g1=policy.g0 + max(0.0, measured.spread))
    rate = _clipped_rate(measured.success_rate)
    cost = implied_cost(as_measured, rate)
    return gains_at(as_measured, cost, payoffs(as_measured, cost, rate))


def _smoothed(
    before: tuple[float, float] | None, now: MarginalGains, prices: Prices, controls: Controls
) -> tuple[float, float]:
    per_dollar = 0.0 if np.isnan(now.mv_b) else float(now.mv_b)
    fresh = float(now.mv_n - prices.cash * now.spend_per_mass), per_dollar
    if before is None:
        return fresh
    weight = controls.smoothing
    return (weight * fresh[0] + (1 - weight) * before[0], weight * fresh[1] + (1 - weight) * before[1])


def _stepped(policy: Policy, gains: tuple[float, float], prices: Prices, controls: Controls) -> Policy:
    """``N ← Π[N + η_N (MV_N − λ_imp)]`` and ``B ← Π[B + η_B B (MV_B − λ_cash)]``, within the weekly caps."""
    mass_step = np.clip(controls.mass_rate * (gains[0] - prices.imp), -controls.mass_cap, controls.mass_cap)
    push = gains[1] - prices.cash
    growth = np.clip(controls.bounty_rate * push, -controls.bounty_cap, controls.bounty_cap)
    bounty = policy.bounty * (1.0 + growth)
    if policy.bounty == 0 and push > 0:
        bounty = controls.first_bounty
    mass = np.clip(policy.mass + mass_step, 0.0, policy.n + controls.mass_cap)
    return replace(policy, mass=np.asarray(mass), bounty=np.asarray(bounty))


def _bar_step(leverage_now: float, pass_rate: float, controls: Controls) -> int:
    """+1 if passing is too common, −1 if it is too rare, 0 inside both corridors or if the two disagree."""
    common = pass_rate > controls.pass_corridor[1] or leverage_now < controls.leverage_corridor[0]
    rare = pass_rate < controls.pass_corridor[0] or leverage_now > controls.leverage_corridor[1]
    return int(common) - int(rare)
