"""A video's signals once fake viewers have watched it (formulas §1.5, §2.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creatorpool.actions import ACTION_RATES
from creatorpool.errors import InputError
from creatorpool.quality.engagement import engagement_components
from creatorpool.quality.formula import Columns, QualityFormula

Places = NDArray[np.intp]


@dataclass(frozen=True)
class FakeViewer:
    """What each fake viewer does: watches the whole video `views_each` times, and takes all actions or none."""

    tier: str
    behaviour: str
    views_each: int
    acts: bool


BEHAVIOURS = ("watch", "act", "replay")
"""Watches once; watches once and takes every action; watches again and again, and takes every action."""


def fake_viewer(tier: str, behaviour: str, replays: int) -> FakeViewer:
    """The fake viewer of one of `BEHAVIOURS`, who when replaying has `replays` >= 1 views that count."""
    if behaviour not in BEHAVIOURS:
        raise InputError(f"behaviour must be one of {BEHAVIOURS}, got '{behaviour}'")
    return FakeViewer(tier, behaviour, replays if behaviour == "replay" else 1, behaviour != "watch")


def with_fake_viewers(
    columns: Columns, rows: Places, number: NDArray[np.int64] | int, fake: FakeViewer, formula: QualityFormula
) -> dict[str, NDArray[Any]]:
    """Columns of the videos at `rows` once each has `number` more viewers, all of them fake.

    Parameters
    ----------
    columns : mapping of (n,) arrays
        `SIGNAL_COLUMNS`, custom signals, `category` and `is_compliant`, before the attack.
    rows : (m,) int array
        Videos attacked, each on its own: a video may come twice, with two numbers of fakes.
    number : (m,) int64 array or int
        Fake viewers of each, >= 0, new to the video.

    Returns
    -------
    mapping of (m,) arrays
        Every signal is a mean over viewers weighted by trust, so its sum is the mean times the trust, to which the
        fakes' own is added. Custom signals stay as they are: what a fake's would be is not known here.
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
