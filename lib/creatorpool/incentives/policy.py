"""Terms that a platform offers an entrant: test, bar, bounty, and the exposure afterwards (formulas §3.1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_counts, checked_numbers
from creatorpool.incentives.pass_model import BinomialModel, PassModel
from creatorpool.incentives.types import Floats, Integers


@dataclass(frozen=True, eq=False, init=False)
class Policy:
    """One policy, or an array of them: fields may be arrays that broadcast; all are stored in one shape.

    Raises
    ------
    InputError
        If a field is out of range or the shapes do not broadcast.
    """

    mass: Floats
    """N: discounted mass of the guaranteed impressions, >= 0"""
    n: Integers
    """test impressions, >= 1"""
    k: Integers
    """successes needed to graduate, 0 … n"""
    bounty: Floats
    """B: paid once on graduation, >= 0; the unit of money is the value of one success"""
    g0: Floats
    """G0: discounted exposure after a fail, >= 0"""
    g1: Floats
    """G1: discounted exposure after a pass, >= 0"""
    revenue_share: Floats
    """r: the creator's share of the revenue, in [0, 1]"""
    model: PassModel
    """pass probability as a function of quality; binomial by default"""

    def __init__(
        self,
        mass: ArrayLike,
        n: ArrayLike,
        k: ArrayLike,
        bounty: ArrayLike,
        g0: ArrayLike,
        g1: ArrayLike,
        revenue_share: ArrayLike,
        model: PassModel | None = None,
    ) -> None:
        given = {"mass": mass, "bounty": bounty, "g0": g0, "g1": g1}
        amounts = {name: checked_numbers(name, values, 0.0) for name, values in given.items()}
        share = checked_numbers("revenue_share", revenue_share, 0.0, 1.0)
        window, bar = checked_counts("n", n, 1), checked_counts("k", k, 0)
        object.__setattr__(self, "model", BinomialModel() if model is None else model)
        try:
            shape = np.broadcast_shapes(share.shape, window.shape, bar.shape, *(a.shape for a in amounts.values()))
        except ValueError as error:
            raise InputError(f"the fields of a policy must have shapes that broadcast: {error}") from error
        if (bar > self.model.largest_bar(window)).any():
            raise InputError(f"k must not exceed the largest bar of its test, got k = {bar} with n = {window}")
        for name, values in {**amounts, "revenue_share": share, "n": window, "k": bar}.items():
            object.__setattr__(self, name, np.broadcast_to(values, shape)[()])

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array of policies; () for one policy."""
        return np.shape(self.mass)

    @property
    def spread(self) -> Floats:
        """ΔG = G1 − G0."""
        return self.g1 - self.g0

    def flat(self) -> Policy:
        """The same policies as a one-dimensional array."""
        return self._rebuilt(lambda values: values.reshape(-1))

    def take(self, index: Integers) -> Policy:
        """The policies at positions `index` of a one-dimensional array."""
        return self._rebuilt(lambda values: values[index])

    def _rebuilt(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Policy:
        # Skip the checks of __init__: the values passed them, and repeating them would dominate the time of a search.
        rebuilt = object.__new__(Policy)
        for name in ("mass", "n", "k", "bounty", "g0", "g1", "revenue_share"):
            object.__setattr__(rebuilt, name, change(np.asarray(getattr(self, name))))
        object.__setattr__(rebuilt, "model", self.model)
        return rebuilt


def bar_of_rate(rate: ArrayLike, n: ArrayLike) -> Integers:
    """``k = ⌈τ n⌉`` for a target success rate τ in [0, 1]; rounding errors of τ n up to 1e-9 do not raise the bar.

    Raises
    ------
    InputError
        If a rate is outside [0, 1] or n is not a whole number >= 1.
    """
    target = checked_numbers("rate", rate, 0.0, 1.0) * checked_counts("n", n, 1)
    return np.ceil(target - 1e-9).astype(np.int64)[()]
