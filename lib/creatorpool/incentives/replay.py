"""Values of a policy from another policy's logs, by three weightings; exposure by score (formulas §3.12, S4 C.2).

References
----------
Dudík, Langford and Li, Doubly robust policy evaluation and learning (ICML 2011). Swaminathan and Joachims, The
self-normalized estimator for counterfactual learning (NeurIPS 2015).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import expit

from creatorpool.errors import InputError
from creatorpool.incentives.arguments import checked_numbers
from creatorpool.incentives.continuation import NORMAL_95, ContinuationEstimate
from creatorpool.incentives.types import Booleans, Floats

Method = Literal["propensity", "self-normalised", "doubly-robust"]


@dataclass(frozen=True)
class ReplayEstimate:
    """A value with its standard error."""

    value: float
    error: float
    effective_size: float
    """(Σw)²/Σw²: the number of unweighted rows with the same precision"""

    @property
    def interval(self) -> tuple[float, float]:
        """(low, high), the 95 % normal interval."""
        return self.value - NORMAL_95 * self.error, self.value + NORMAL_95 * self.error


def replay_value(
    outcome: ArrayLike,
    propensity: ArrayLike,
    target: ArrayLike,
    *,
    method: Method = "self-normalised",
    predicted: ArrayLike | None = None,
    predicted_target: ArrayLike | None = None,
) -> ReplayEstimate:
    """Estimate the mean outcome under a target policy from the logs of another policy.

    Parameters
    ----------
    outcome : (n,) array_like
        Outcome of each logged row.
    propensity : (n,) array_like
        Probability with which the logging policy took the logged action, in (0, 1].
    target : (n,) array_like
        Probability with which the target policy takes that action, in [0, 1].
    method : {"propensity", "self-normalised", "doubly-robust"}
        With w = target/propensity: the mean of w·y; Σwy/Σw; or the mean of w·(y − ŷ) + ŷ_target.
    predicted, predicted_target : (n,) array_like
        For "doubly-robust": a model's predicted outcome of the logged action, and its mean under the target policy.

    Raises
    ------
    InputError
        If shapes differ, a probability is out of range, no row has weight, or predictions are missing.
    """
    y, w = _weights(outcome, propensity, target)
    effective = float(w.sum() ** 2 / (w**2).sum())
    if method == "self-normalised":
        value = float((w * y).sum() / w.sum())
        terms = w * (y - value) / w.mean()
        return ReplayEstimate(value, float(terms.std(ddof=1) / np.sqrt(y.size)), effective)
    if method == "doubly-robust":
        if predicted is None or predicted_target is None:
            raise InputError("method doubly-robust needs predicted and predicted_target")
        guess, target_guess = (
            checked_numbers("predicted", predicted),
            checked_numbers("predicted_target", predicted_target),
        )
        if guess.shape != y.shape or target_guess.shape != y.shape:
            raise InputError(
                f"predicted and predicted_target must have the shape of outcome, {y.shape}, "
                f"got {guess.shape} and {target_guess.shape}"
            )
        rows = w * (y - guess) + target_guess
    elif method == "propensity":
        rows = w * y
    else:
        raise InputError(f"method must be propensity, self-normalised or doubly-robust, got {method!r}")
    return ReplayEstimate(float(rows.mean()), float(rows.std(ddof=1) / np.sqrt(y.size)), effective)


def replay_continuation(
    exposure: ArrayLike, passed: ArrayLike, weight: ArrayLike | None = None
) -> ContinuationEstimate:
    """Estimate G1 and G0 from past entrants' discounted exposure Σ δ^t a_t.

    Parameters
    ----------
    exposure : (n,) array_like
        Discounted exposure of each entrant, realised or predicted by an `ExposureModel`, >= 0.
    passed : (n,) array_like of bool
        Whether the entrant passed.
    weight : (n,) array_like, optional
        target/propensity of each entrant's path, if the logs come from another engine than the target. Weights are
        self-normalised on each side of the bar.

    Raises
    ------
    InputError
        If shapes differ, a value is out of range, or fewer than two entrants with weight pass or fail.
    """
    y, flags = checked_numbers("exposure", exposure, 0.0), np.asarray(passed, dtype=np.bool_)
    w = np.ones_like(y) if weight is None else checked_numbers("weight", weight, 0.0)
    if not y.shape == flags.shape == w.shape or y.ndim != 1:
        raise InputError(
            f"exposure, passed and weight must have one shape (n,), got {y.shape}, {flags.shape}, {w.shape}"
        )
    g0, error0 = _side(y, w, ~flags, "fail")
    g1, error1 = _side(y, w, flags, "pass")
    return ContinuationEstimate(g0, g1, error0, error1, float(np.hypot(error0, error1)))


@dataclass(frozen=True)
class ExposureModel:
    """Probability of exposure as a function of a ranking score: σ(intercept + slope · score)."""

    intercept: float
    slope: float

    def share(self, score: ArrayLike) -> Floats:
        """Probability of exposure, of the shape of `score`."""
        return np.asarray(expit(self.intercept + self.slope * checked_numbers("score", score)))

    def discounted(self, score: ArrayLike, delta: float, start: int = 0) -> Floats:
        """(n,) sums Σ_t δ^t share for (n, T) scores of successive periods; the first period is `start`."""
        shares = np.atleast_2d(self.share(score))
        total: Floats = shares @ delta ** np.arange(start, start + shares.shape[1])
        return total


def fit_exposure(score: ArrayLike, shown: ArrayLike) -> ExposureModel:
    """Logistic fit of realised exposure (0 or 1) to the ranking score, both (n,).

    Raises
    ------
    InputError
        If shapes differ, all or no rows were shown, or the score separates shown from not shown, so that no finite fit
        exists.
    """
    x, y = checked_numbers("score", score), checked_numbers("shown", shown, 0.0, 1.0)
    if x.ndim != 1 or x.shape != y.shape:
        raise InputError(f"score and shown must have one shape (n,), got {x.shape} and {y.shape}")
    if y.min() == y.max():
        raise InputError("all rows or no rows were shown: the fit needs both")
    if x[y > 0].min() > x[y == 0].max() or x[y > 0].max() < x[y == 0].min():
        raise InputError("the score separates the rows shown from those not shown: no finite slope fits")
    centre, scale = x.mean(), x.std() or 1.0
    z = (x - centre) / scale

    def loss(theta: Floats) -> tuple[float, Floats]:
        logit = theta[0] + theta[1] * z
        residual = expit(logit) - y
        return float((np.logaddexp(0.0, logit) - y * logit).mean()), np.array([residual.mean(), (residual * z).mean()])

    fitted = minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-9}).x
    return ExposureModel(float(fitted[0] - fitted[1] * centre / scale), float(fitted[1] / scale))


def _weights(outcome: ArrayLike, propensity: ArrayLike, target: ArrayLike) -> tuple[Floats, Floats]:
    y = checked_numbers("outcome", outcome)
    logged, wanted = checked_numbers("propensity", propensity, 0.0, 1.0), checked_numbers("target", target, 0.0, 1.0)
    if y.ndim != 1 or not y.shape == logged.shape == wanted.shape or y.size < 2:
        raise InputError(
            f"outcome, propensity and target must have one shape (n,), n >= 2, "
            f"got {y.shape}, {logged.shape} and {wanted.shape}"
        )
    if (logged == 0).any():
        raise InputError(f"propensity[{int(np.argmax(logged == 0))}] must be > 0, because the action was taken")
    weight = wanted / logged
    if not weight.sum() > 0:
        raise InputError("target is 0 in every row: the target policy takes no logged action")
    return y, weight


def _side(y: Floats, w: Floats, chosen: Booleans, name: str) -> tuple[float, float]:
    """Weighted mean of the chosen entrants and its standard error."""
    total = w[chosen].sum()
    if chosen.sum() < 2 or not total > 0:
        raise InputError(f"at least two entrants with weight > 0 must {name}, got {int(chosen.sum())} entrants")
    mean = float((w[chosen] * y[chosen]).sum() / total)
    size = int(chosen.sum())
    terms = w[chosen] * (y[chosen] - mean) / (total / size)
    return mean, float(terms.std(ddof=1) / np.sqrt(size))
