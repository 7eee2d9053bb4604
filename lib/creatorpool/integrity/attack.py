"""A video's signals after fake viewers have watched it (formulas §1.5, §2.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.actions import ACTION_RATES
from creatorpool.errors import InputError
from creatorpool.quality.engagement import engagement_components
from creatorpool.quality.formula import Columns, QualityFormula

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class FakeViewer:
    """A kind of fake viewer: each watches the whole video `views_each` times, and takes all actions or none."""

    tier: str
    behaviour: str
    views_each: int
    acts: bool


BEHAVIOURS = ("watch", "act", "replay")
"""Watch once; watch once and take every action; watch many times and take every action."""


def fake_viewer(tier: str, behaviour: str, replays: int) -> FakeViewer:
    """A fake viewer of `tier` with one of `BEHAVIOURS`; 'replay' has `replays` >= 1 views. InputError for any other."""
    if behaviour not in BEHAVIOURS:
        raise InputError(f"behaviour must be one of {BEHAVIOURS}, got '{behaviour}'")
    return FakeViewer(tier, behaviour, replays if behaviour == "replay" else 1, behaviour != "watch")


def with_fake_viewers(
    columns: Columns, rows: Indices, number: NDArray[np.int64] | int, fake: FakeViewer, formula: QualityFormula
) -> dict[str, NDArray[Any]]:
    """Columns of the videos at `rows` after each gets `number` fake viewers.

    Parameters
    ----------
    columns : mapping of (n,) arrays
        `SIGNAL_COLUMNS`, custom signals, `category` and `is_compliant`, before the attack.
    rows : (m,) int array
        Attacked videos, each in an attack of its own; a video can occur twice, with two numbers of fakes.
    number : (m,) int64 array or int
        Number of fake viewers of each video, >= 0; they did not watch the video before.

    Returns
    -------
    mapping of (m,) arrays
        Every signal is a trust-weighted mean over viewers: its sum is the mean times the trust, and the values of the
        fakes are added to that sum. Custom signals do not change, because their values for fakes are not known.
    """
    before = {name: values[rows] for name, values in columns.items()}
    added = np.asarray(number, dtype=np.float64) * formula.tiers[fake.tier]
    trust = before["trust_weight"] + added
    own = {"watch_completion": 1.0, "rewatch": float(fake.views_each > 1)}
    own |= dict.fromkeys(ACTION_RATES, float(fake.acts))
    mixed = {
        name: np.minimum(1.0, (before["trust_weight"] * before[name] + added * value) / trust)
        for name, value in own.items()
    }
    return {
        **before,
        **mixed,
        "views": before["views"] + number * fake.views_each,
        "viewers": before["viewers"] + number,
        "trust_weight": trust,
        **engagement_components(mixed, formula.action_weights),
    }
