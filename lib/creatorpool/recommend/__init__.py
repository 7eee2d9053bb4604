"""Recommendation: similar videos, interests, candidates; simulated sessions and ranking policies; Spark in `frames`."""

import importlib
from typing import TYPE_CHECKING, Any

from creatorpool.errors import MissingExtraError
from creatorpool.recommend.candidates import Candidates, Catalogue, ScoreWeights, final_score, rank_candidates
from creatorpool.recommend.dqn_settings import DQNSettings
from creatorpool.recommend.held_out import (
    InterestScore,
    Recall,
    hits,
    recalls,
    score_interests,
    split_by_history,
)
from creatorpool.recommend.interactions import INTERACTION_SCORES, interaction_matrix, interaction_scores
from creatorpool.recommend.interests import (
    CategoryCounts,
    InterestPrior,
    RegionSums,
    category_counts,
    interest_prior,
    interest_rates,
    region_sums,
    top_interests,
)
from creatorpool.recommend.observation import Observation, RankingPolicy
from creatorpool.recommend.off_policy import LoggedChoices, cross_fitted_rates, evaluate_policy, softmax_chances
from creatorpool.recommend.policies import (
    FinalScorePolicy,
    PopularityPolicy,
    RandomPolicy,
    RankBandit,
    ThompsonPolicy,
    UcbPolicy,
)
from creatorpool.recommend.session_log import SessionLog
from creatorpool.recommend.similarity import Neighbours, top_similar
from creatorpool.recommend.simulator import SessionSimulator
from creatorpool.recommend.simulator_calibration import SessionStatistics, calibrated, session_statistics
from creatorpool.recommend.simulator_parameters import (
    LEFT,
    LIKED,
    OUTCOMES,
    REGION_TASTES,
    REWARDS,
    SKIPPED,
    WATCHED,
    SimulatorParameters,
)
from creatorpool.recommend.slate_engine import SlateEngine

if TYPE_CHECKING:
    from creatorpool.recommend.dqn import DQNAgent as DQNAgent

# Not in __all__: a star import must work without the extra.
_LEARNING = {"DQNAgent": "creatorpool.recommend.dqn"}
_EXTRA = ("jax", "jaxlib", "flax", "optax")

__all__ = [
    "INTERACTION_SCORES",
    "LEFT",
    "LIKED",
    "OUTCOMES",
    "REGION_TASTES",
    "REWARDS",
    "SKIPPED",
    "WATCHED",
    "Candidates",
    "Catalogue",
    "CategoryCounts",
    "DQNSettings",
    "FinalScorePolicy",
    "InterestPrior",
    "InterestScore",
    "LoggedChoices",
    "Neighbours",
    "Observation",
    "PopularityPolicy",
    "RandomPolicy",
    "RankBandit",
    "RankingPolicy",
    "Recall",
    "RegionSums",
    "ScoreWeights",
    "SessionLog",
    "SessionSimulator",
    "SessionStatistics",
    "SimulatorParameters",
    "SlateEngine",
    "ThompsonPolicy",
    "UcbPolicy",
    "calibrated",
    "category_counts",
    "cross_fitted_rates",
    "evaluate_policy",
    "final_score",
    "hits",
    "interaction_matrix",
    "interaction_scores",
    "interest_prior",
    "interest_rates",
    "rank_candidates",
    "recalls",
    "region_sums",
    "score_interests",
    "session_statistics",
    "softmax_chances",
    "split_by_history",
    "top_interests",
    "top_similar",
]


def __getattr__(name: str) -> Any:
    """Import the learning agent on first use; only the agent needs the extra `rl`."""
    if name not in _LEARNING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(_LEARNING[name]), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _EXTRA:
            raise
        raise MissingExtraError(
            f"{name} needs the extra rl, of which {error.name} is missing: pip install 'creatorpool[rl]'"
        ) from error
