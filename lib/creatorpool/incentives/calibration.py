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

# A cohort whose success rate is 0 or 1 still has a finite implied cost.
EXTREME_RATE = 1e-3


@dataclass(frozen=True)
class Prices:
    """Shadow prices as the loop holds them."""

    imp: float
    cash: float

    def after(self, over: Budgets, best: tuple[float, float], controls: Controls) -> Prices:
        """``λ ← [λ + ζ (used − budget)]₊``, but no higher than it takes to move every instrument by its cap.

        A price beyond that has no more effect, and would take weeks to come down again.
        """
        most = (
            max(0.0, best[0]) + controls.mass_cap / controls.mass_rate,
            max(0.0, best[1]) + controls.bounty_cap / controls.bounty_rate,
        )
        return Prices(
            min(most[0], max(0.0, self.imp + controls.impression_price_rate * over.impressions)),
            min(most[1], max(0.0, self.cash + controls.cash_price_rate * over.cash)),
        )

    def ahead(self, previous: Prices) -> Prices:
        """One more step of the same size. Steering by it damps the swings that price and use would drive in turn."""
        return Prices(max(0.0, 2 * self.imp - previous.imp), max(0.0, 2 * self.cash - previous.cash))


@dataclass(frozen=True)
class SegmentState:
    """One segment in the loop."""

    policy: Policy
    previous: Policy
    """last week's, on which the hold-out stays"""
    reference: tuple[float, float] | None
    """ℓ and ΔG that `previous` showed last week"""
    gains: tuple[float, float] | None
    """smoothed MV_N, less the cash it draws, and MV_B"""
    weeks_since_bar: int


@dataclass(frozen=True)
class CalibrationWeek:
    """What happened in one week."""

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
        If the policy rewards quality with nothing, so that no cost is implied.
    """
    q = float(np.clip(quality, EXTREME_RATE, 1.0 - EXTREME_RATE))
    gain = float(payoffs(policy, QuadraticCost(1.0), q).private_gain)
    if not gain > 0:
        raise InputError(f"a policy that rewards quality with nothing implies no cost, at quality {q}")
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
        Segments with known truth; the loop sees success rates, pass rates and ΔG only.
    policies : sequence of s Policy
        Where to start.
    budgets : Budgets
        (N̄, B̄) an entrant.
    weeks : int
        How long to run, >= 1.

    Returns
    -------
    list of CalibrationWeek
        The policies in force each week with what they brought.
    """
    if len(policies) != len(market.shares):
        raise InputError(f"a market of {len(market.shares)} segments needs as many policies, got {len(policies)}")
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
        updated = prices.after(over, best, settings)
        history.append(replace(record, prices=updated))
        steer = updated.ahead(prices)
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
        policy = replace(policy, n=policy.n + 1)  # N has outgrown its window; n and k never move in one week
    return SegmentState(
        replace(policy, k=np.asarray(bar)), state.policy, shown, gains, 0 if moved_bar else state.weeks_since_bar + 1
    )


def _measure_week(
    market: SimulatedMarket, states: Sequence[SegmentState], week: int, controls: Controls, rng: np.random.Generator
) -> CalibrationWeek:
    """Both parts of each segment's cohort; the budgets count what the policies in force use."""
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
    """ℓ and ΔG as measured."""
    rate = float(np.clip(measured.success_rate, EXTREME_RATE, 1.0 - EXTREME_RATE))
    return float(leverage(policy, rate)), measured.spread


def _is_degraded(state: SegmentState, shown: tuple[float, float], controls: Controls) -> bool:
    """Whether the hold-out, whose policy did not move, lost what makes a pass worth striving for."""
    if state.reference is None:
        return False
    return any(now < (1.0 - controls.roll_back) * before for now, before in zip(shown, state.reference, strict=True))


def _gains(policy: Policy, measured: Measurement) -> MarginalGains:
    as_measured = replace(policy, g1=policy.g0 + max(0.0, measured.spread))
    rate = float(np.clip(measured.success_rate, EXTREME_RATE, 1.0 - EXTREME_RATE))
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
    """+1 where passing is too common, −1 where it is too rare, 0 inside both corridors or where they disagree."""
    common = pass_rate > controls.pass_corridor[1] or leverage_now < controls.leverage_corridor[0]
    rare = pass_rate < controls.pass_corridor[0] or leverage_now > controls.leverage_corridor[1]
    return int(common) - int(rare)
