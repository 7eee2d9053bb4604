"""What early exposure, a graduation bar and bounties do to the quality that new creators choose. No Spark in here."""

from creatorpool.incentives.binomial import pass_curvature, pass_probability, pass_slope
from creatorpool.incentives.links import IdentityLink, LogisticLink, NoisyLink, ScaledLink
from creatorpool.incentives.mixing import BetaBinomialModel, LatentMixingModel, LogitShift, logit_normal_mixing
from creatorpool.incentives.multi_winner import MultiWinnerModel, seat_threshold
from creatorpool.incentives.normal_approximation import NormalApproximation
from creatorpool.incentives.pass_model import (
    BinomialModel,
    LinkModel,
    ManipulatedModel,
    PassModel,
    PassPoint,
    noisy_labels,
)
from creatorpool.incentives.poisson_binomial import PoissonBinomialModel, poisson_binomial_pmf
from creatorpool.incentives.slots import DecayingSlots, LinkedSlots

__all__ = [
    "BetaBinomialModel",
    "BinomialModel",
    "DecayingSlots",
    "IdentityLink",
    "LatentMixingModel",
    "LinkModel",
    "LinkedSlots",
    "LogisticLink",
    "LogitShift",
    "ManipulatedModel",
    "MultiWinnerModel",
    "NoisyLink",
    "NormalApproximation",
    "PassModel",
    "PassPoint",
    "PoissonBinomialModel",
    "ScaledLink",
    "logit_normal_mixing",
    "noisy_labels",
    "pass_curvature",
    "pass_probability",
    "pass_slope",
    "poisson_binomial_pmf",
    "seat_threshold",
]
