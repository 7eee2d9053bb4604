"""Recommendation: sessions, and policies that choose the next video. No Spark in here."""

from creatorpool.recommend.observation import Observation, RankingPolicy
from creatorpool.recommend.policies import FinalScorePolicy, PopularityPolicy, RandomPolicy, RankBandit
from creatorpool.recommend.session_log import SessionLog
from creatorpool.recommend.simulator import SessionSimulator
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

__all__ = [
    "LEFT",
    "LIKED",
    "OUTCOMES",
    "REGION_TASTES",
    "REWARDS",
    "SKIPPED",
    "WATCHED",
    "FinalScorePolicy",
    "Observation",
    "PopularityPolicy",
    "RandomPolicy",
    "RankBandit",
    "RankingPolicy",
    "SessionLog",
    "SessionSimulator",
    "SimulatorParameters",
]
