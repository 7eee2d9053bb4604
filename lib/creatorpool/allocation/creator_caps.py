"""Which creator each video belongs to, and the most that each creator's videos may earn together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.errors import InputError
from creatorpool.numerics.types import Floats, Integers


@dataclass(frozen=True)
class CreatorCaps:
    """Creators by code 0 … G-1."""

    code: Integers  # (n,), the creator of each video
    label: NDArray[Any]  # (G,), the caller's labels, ascending
    cap: Floats  # (G,), money, may be infinite


def checked_creator_caps(
    creator: ArrayLike | None, creator_cap: ArrayLike | Mapping[Any, float], n: int
) -> CreatorCaps:
    """Read creators and caps as `allocate` documents them."""
    if creator is None:
        raise InputError("creator must be given with creator_cap")
    labels = np.asarray(creator)
    if labels.shape != (n,):
        raise InputError(f"creator must hold one label per video, shape ({n},), got shape {labels.shape}")
    code, label = _coded(labels)
    cap = _cap_of(label, creator_cap)
    bad = np.flatnonzero(~(cap >= 0))
    if bad.size:
        raise InputError(f"creator_cap of creator {label[bad[0]]!r} must be a number >= 0, got {cap[bad[0]]}")
    return CreatorCaps(code, label, cap)


def _coded(labels: NDArray[Any]) -> tuple[Integers, NDArray[Any]]:
    if np.issubdtype(labels.dtype, np.integer) and labels.min() >= 0 and labels.max() < 2 * labels.size:
        # Small integers are their own codes up to gaps: a count replaces the sort.
        present = np.bincount(labels) > 0
        return (np.cumsum(present) - 1)[labels], np.flatnonzero(present)
    try:
        label, code = np.unique(labels, return_inverse=True)
    except TypeError as error:
        raise InputError(f"creator must hold labels of one kind, none missing: {error}") from error
    if label.dtype.kind == "f" and np.isnan(label[-1]):
        raise InputError(f"creator[{int(np.argmax(np.isnan(labels)))}] must not be missing, got nan")
    return code.astype(np.int64), label


def _cap_of(label: NDArray[Any], creator_cap: ArrayLike | Mapping[Any, float]) -> Floats:
    if isinstance(creator_cap, Mapping):
        return np.array([creator_cap.get(one, np.inf) for one in label.tolist()], dtype=np.float64)
    try:
        caps = np.asarray(creator_cap, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"creator_cap must be numbers: {error}") from error
    if caps.ndim == 0:
        return np.full(label.size, caps)
    if caps.ndim == 1 and label.dtype.kind in "iu" and label[0] >= 0 and label[-1] < caps.size:
        return np.take(caps, label)
    if caps.shape == label.shape:
        return caps
    raise InputError(
        "creator_cap must be one number, a mapping from creator to cap, or an array with one cap for each of the "
        f"{label.size} creators, got shape {caps.shape}"
    )
