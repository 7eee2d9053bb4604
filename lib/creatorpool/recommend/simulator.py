"""Simulated sessions: thousands at once, under any ranking policy (formulas §5.5, S2)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from creatorpool.errors import InputError
from creatorpool.recommend.observation import RankingPolicy, observe
from creatorpool.recommend.session_log import SessionLog, Step
from creatorpool.recommend.simulator_market import Floats, Integers, build_market
from creatorpool.recommend.simulator_parameters import LEFT, REWARDS, SimulatorParameters
from creatorpool.recommend.simulator_sessions import AnswerDraws, Session, SlateDraws, answer, begin, offer

_UNIFORMS = 6
"""Uniforms per session and step besides the slate's: five for the answer, one for the policy."""


class SessionSimulator:
    """A market of viewers and videos on which policies play sessions.

    Parameters
    ----------
    parameters : SimulatorParameters, optional
        Sizes and effects.
    seed : int
        Seed of the market. Sessions have their own seed. The same one gives every policy the same viewers, candidates
        and random numbers, so that policies can be compared in pairs.
    predicted : (viewers, 2) array_like of int, optional
        Categories predicted for each viewer, such as the two of `top_interests`. By default they are draws that are
        right with probability `interest_accuracy`. Candidates, the final score and policies use them.

    Raises
    ------
    InputError
        If `predicted` has another shape or a position out of range.
    """

    def __init__(
        self, parameters: SimulatorParameters | None = None, seed: int = 0, *, predicted: ArrayLike | None = None
    ) -> None:
        self.parameters = parameters or SimulatorParameters()
        self.seed = seed
        self.market = build_market(self.parameters, seed)
        if predicted is not None:
            self.market = self.market._replace(predicted=self._checked_predictions(predicted))

    def play(
        self, policy: RankingPolicy, sessions: int, *, seed: int = 0, viewers: ArrayLike | None = None
    ) -> SessionLog:
        """Play `sessions` whole sessions; arguments and errors as in `steps`."""
        return SessionLog.of_steps(list(self.steps(policy, sessions, seed=seed, viewers=viewers)), sessions)

    def steps(
        self, policy: RankingPolicy, sessions: int, *, seed: int = 0, viewers: ArrayLike | None = None
    ) -> Iterator[Step]:
        """Play whole sessions step by step, until all viewers have left.

        Parameters
        ----------
        policy : RankingPolicy
            The policy. Each step asks for its probabilities, so that it can learn between steps.
        sessions : int
            Number of sessions, >= 1, played at once.
        seed : int
            Seed of the sessions.
        viewers : (sessions,) array_like of int, optional
            Positions of the sessions' viewers; by default drawn at random, with replacement.

        Raises
        ------
        InputError
            If a viewer is not in the market or the policy's probabilities are not a distribution.
        """
        if sessions < 1:
            raise InputError(f"sessions must be >= 1, got {sessions}")
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, 1, seed]))
        mood = rng.integers(0, 2, sessions)
        who = rng.integers(0, self.parameters.viewers, sessions)
        if viewers is not None:
            who = self._checked_viewers(viewers, sessions)
        session, open_now = begin(np, who, mood), np.arange(sessions)
        for step in range(self.parameters.max_videos):
            if open_now.size == 0:
                return
            slate_draws, uniforms = self._draws(sessions, seed, step)
            slate = offer(
                np, self.parameters, self.market, session, SlateDraws(*(part[open_now] for part in slate_draws))
            )
            observation = observe(self.market, session, slate)
            action, propensity = drawn_action(policy.probabilities(observation), uniforms[open_now, 5])
            rows = np.arange(open_now.size)
            draws = AnswerDraws(*uniforms[open_now, :5].T)
            video = slate.video[rows, action]
            after, outcome, seconds = answer(np, self.parameters, self.market, session, video, draws)
            reward = np.array(REWARDS)[outcome]
            yield Step(open_now, session, observation, action, propensity, outcome, reward, seconds)
            stays = outcome != LEFT
            session, open_now = Session(*(part[stays] for part in after)), open_now[stays]

    def _draws(self, sessions: int, seed: int, step: int) -> tuple[SlateDraws, Floats]:
        """Random numbers of all sessions at one step, ended ones too: they must not depend on who has left."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed, 2, seed, step]))
        shape = (sessions, self.parameters.candidates)
        slate = SlateDraws(rng.random(shape), rng.random(shape), rng.random(shape), rng.standard_normal(shape))
        return slate, rng.random((sessions, _UNIFORMS))

    def _checked_predictions(self, predicted: ArrayLike) -> Integers:
        found, size = np.asarray(predicted), len(self.parameters.categories)
        if found.shape != (self.parameters.viewers, 2) or found.dtype.kind not in "iu":
            raise InputError(
                f"predicted must hold whole numbers, two per viewer, of shape ({self.parameters.viewers}, 2), "
                f"got {found.dtype} of shape {found.shape}"
            )
        if found.min() < 0 or found.max() >= size:
            raise InputError(f"predicted must hold positions from 0 to {size - 1}, got {found.min()} … {found.max()}")
        return found.astype(np.int64)

    def _checked_viewers(self, viewers: ArrayLike, sessions: int) -> Integers:
        who = np.asarray(viewers)
        if who.shape != (sessions,) or who.dtype.kind not in "iu":
            raise InputError(f"viewers must hold {sessions} whole numbers, got {who.dtype} of shape {who.shape}")
        if who.min() < 0 or who.max() >= self.parameters.viewers:
            raise InputError(
                f"viewers must hold positions from 0 to {self.parameters.viewers - 1}, got {who.min()} … {who.max()}"
            )
        return who.astype(np.int64)


def drawn_action(probabilities: Floats, uniform: Floats) -> tuple[Integers, Floats]:
    """(n,) actions, one per row of (n, r) probabilities, by inversion of (n,) uniforms; and their probabilities.

    Raises
    ------
    InputError
        If a row is not a distribution.
    """
    reached = np.cumsum(probabilities, axis=1)
    if not (np.abs(reached[:, -1] - 1) < 1e-6).all() or (probabilities < 0).any():
        raise InputError("a policy's probabilities must be >= 0 and sum to 1 in each row")
    # Scaled by the rounded sum, so that no uniform exceeds the last action's bound.
    action = (reached <= uniform[:, None] * reached[:, -1:]).sum(axis=1)
    return action, probabilities[np.arange(action.size), action]
