"""The two components from the rates of actions: engagement rate and engagement diversity."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from creatorpool.actions import ACTION_RATES, ACTIONS
from creatorpool.numerics.types import Floats
from creatorpool.quality.geometric import engagement_diversity


def engagement_components(rates: Mapping[str, Floats], action_weights: Mapping[str, float]) -> dict[str, Floats]:
    """Engagement rate E and diversity D from the rates of actions (formulas §1).

    Parameters
    ----------
    rates : mapping of (n,) arrays
        Each of `ACTION_RATES`, in [0, 1].
    action_weights : mapping
        β of each action, by its name.

    Returns
    -------
    mapping of (n,) arrays
        ``E = min(1, Σ_a β_a rate_a)`` and ``D``, the entropy of the actions, both in [0, 1].
    """
    stack = np.column_stack([rates[name] for name in ACTION_RATES])
    engagement = np.zeros(stack.shape[0])
    for action in ACTIONS:
        engagement = engagement + action_weights[action.name] * rates[action.rate_column]
    return {"engagement_rate": np.minimum(1.0, engagement), "engagement_diversity": engagement_diversity(stack)}
