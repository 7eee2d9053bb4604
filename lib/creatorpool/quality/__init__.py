"""Quality scores: the weighted geometric mean of a video's components, and the shrinkage of rates."""

from creatorpool.quality.geometric import engagement_diversity, geometric_mean, geometric_quality
from creatorpool.quality.shrinkage import GroupPrior, fit_prior, shrink

__all__ = ["GroupPrior", "engagement_diversity", "fit_prior", "geometric_mean", "geometric_quality", "shrink"]
