"""How early exposure, a graduation bar and bounties change the quality that new creators choose. Without Spark."""

from creatorpool.incentives.balancing import Balance, SegmentRange, balance
from creatorpool.incentives.binomial import pass_curvature, pass_probability, pass_slope
from creatorpool.incentives.bounty import BountyCertificate, implementability_bounty
from creatorpool.incentives.calibration import (
    CalibrationWeek,
    Prices,
    SegmentState,
    calibrate,
    implied_cost,
    next_state,
)
from creatorpool.incentives.cohort import CohortCounts, count_cohort, identical_slots
from creatorpool.incentives.continuation import ContinuationEstimate, TestPlan, simulate_continuation
from creatorpool.incentives.controls import Controls
from creatorpool.incentives.costs import PowerCost, QuadraticCost
from creatorpool.incentives.diagnostics import Agreement, band_separation, holdout_consistency, stability
from creatorpool.incentives.engines import (
    EngineState,
    FrozenIndexEngine,
    ThompsonEngine,
    TwoBandEngine,
    UcbEngine,
    expected_position_weight,
)
from creatorpool.incentives.estimation import CohortEstimate, EstimationRules, estimate_cohort, nearby_bars
from creatorpool.incentives.exposure import CellTotals, CohortExposure
from creatorpool.incentives.intervals import Estimate, wilson_interval
from creatorpool.incentives.kuhn_tucker import ShadowPrices, shadow_prices
from creatorpool.incentives.links import IdentityLink, LogisticLink, NoisyLink, ScaledLink
from creatorpool.incentives.market import Measurement, SimulatedMarket, Truth
from creatorpool.incentives.menu import Budgets
from creatorpool.incentives.mixing import BetaBinomialModel, LatentMixingModel, LogitShift, logit_normal_mixing
from creatorpool.incentives.multi_winner import MultiWinnerModel, seat_threshold
from creatorpool.incentives.normal_approximation import NormalApproximation
from creatorpool.incentives.pass_curve import monotone_curve
from creatorpool.incentives.pass_model import (
    BinomialModel,
    LinkModel,
    ManipulatedModel,
    PassModel,
    PassPoint,
    noisy_labels,
)
from creatorpool.incentives.payoffs import Payoffs, bounty_beats_subsidy, elasticity, leverage, payoffs
from creatorpool.incentives.poisson_binomial import PoissonBinomialModel, poisson_binomial_pmf
from creatorpool.incentives.policy import Policy, bar_of_rate
from creatorpool.incentives.replay import ExposureModel, ReplayEstimate, fit_exposure, replay_continuation, replay_value
from creatorpool.incentives.response import BestResponse, best_response, certified_response, first_best
from creatorpool.incentives.schedules import Window, discounted_mass, earliest_schedule, scheduled_window
from creatorpool.incentives.slopes import Slopes, slopes_at_median
from creatorpool.incentives.slots import DecayingSlots, LinkedSlots
from creatorpool.incentives.statics import (
    ComparativeStatics,
    MarginalGains,
    comparative_statics,
    marginal_gains,
    marginal_gains_in_full,
)
from creatorpool.incentives.surrogates import (
    constant_inclusion_value,
    relaxation_rate,
    relaxation_value,
    thompson_value,
)

__all__ = [
    "Agreement",
    "Balance",
    "BestResponse",
    "BetaBinomialModel",
    "BinomialModel",
    "BountyCertificate",
    "Budgets",
    "CalibrationWeek",
    "CellTotals",
    "CohortCounts",
    "CohortEstimate",
    "CohortExposure",
    "ComparativeStatics",
    "ContinuationEstimate",
    "Controls",
    "DecayingSlots",
    "EngineState",
    "Estimate",
    "EstimationRules",
    "ExposureModel",
    "FrozenIndexEngine",
    "IdentityLink",
    "LatentMixingModel",
    "LinkModel",
    "LinkedSlots",
    "LogisticLink",
    "LogitShift",
    "ManipulatedModel",
    "MarginalGains",
    "Measurement",
    "MultiWinnerModel",
    "NoisyLink",
    "NormalApproximation",
    "PassModel",
    "PassPoint",
    "Payoffs",
    "PoissonBinomialModel",
    "Policy",
    "PowerCost",
    "Prices",
    "QuadraticCost",
    "ReplayEstimate",
    "ScaledLink",
    "SegmentRange",
    "SegmentState",
    "ShadowPrices",
    "SimulatedMarket",
    "Slopes",
    "TestPlan",
    "ThompsonEngine",
    "Truth",
    "TwoBandEngine",
    "UcbEngine",
    "Window",
    "balance",
    "band_separation",
    "bar_of_rate",
    "best_response",
    "bounty_beats_subsidy",
    "calibrate",
    "certified_response",
    "comparative_statics",
    "constant_inclusion_value",
    "count_cohort",
    "discounted_mass",
    "earliest_schedule",
    "elasticity",
    "estimate_cohort",
    "expected_position_weight",
    "first_best",
    "fit_exposure",
    "holdout_consistency",
    "identical_slots",
    "implementability_bounty",
    "implied_cost",
    "leverage",
    "logit_normal_mixing",
    "marginal_gains",
    "marginal_gains_in_full",
    "monotone_curve",
    "nearby_bars",
    "next_state",
    "noisy_labels",
    "pass_curvature",
    "pass_probability",
    "pass_slope",
    "payoffs",
    "poisson_binomial_pmf",
    "relaxation_rate",
    "relaxation_value",
    "replay_continuation",
    "replay_value",
    "scheduled_window",
    "seat_threshold",
    "shadow_prices",
    "simulate_continuation",
    "slopes_at_median",
    "stability",
    "thompson_value",
    "wilson_interval",
]
