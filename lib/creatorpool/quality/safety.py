"""The component safety from a video's two scores, as numpy arrays."""

from __future__ import annotations

import numpy as np

from creatorpool.numerics.types import Floats


def safety(s_pos: Floats, s_tox: Floats, toxicity_penalty: float) -> Floats:
    """S = max(0, s⁺ − τ s^tox), (n,), from (n,) scores in [0, 1] and τ in [0, 1] (formulas §1.2).

    The operations are those of `quality.frames.components.safety`, so that both give the same bits.
    """
    return np.maximum(s_pos - toxicity_penalty * s_tox, 0.0)
