"""One step of many sessions, as pure functions of arrays and draws that run on numpy and on JAX (formulas §5.5).

`xp` is the module of the given arrays, numpy or jax.numpy. Every function is elementwise over the n sessions.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from creatorpool.recommend.simulator_market import Array, Market
from creatorpool.recommend.simulator_parameters import LEFT, LIKED, REWARDS, SKIPPED, WATCHED, SimulatorParameters

NOTHING = -1
"""Last category and last outcome of a session that just began."""
_LONGEST_RUN = 3
_SECONDS = 60.0


class Session(NamedTuple):
    """State of each session; all arrays are (n,)."""

    viewer: Array
    mood: Array
    """0 or 1: the interest the viewer is in the mood for; hidden from the platform"""
    irritation: Array
    """hidden from the platform"""
    run: Array
    """number of latest videos in a row of the last category; hidden from the platform"""
    minutes: Array
    """session length so far"""
    videos: Array
    """videos shown so far"""
    skips: Array
    last_category: Array
    last_outcome: Array


class Slate(NamedTuple):
    """The candidates of each session, best final score first; all arrays are (n, r)."""

    video: Array
    category: Array
    similarity: Array
    """the base recommender's score: match and measured appeal in log-odds, with noise"""
    popularity: Array
    is_interest: Array
    """1 if the category is a predicted interest"""
    score: Array
    """final score"""
    alpha: Array
    """successes of the video so far, prior included"""
    beta: Array
    """failures"""


class SlateDraws(NamedTuple):
    """Random numbers of one slate, (n, r) each."""

    source: Array
    """uniform: from a predicted interest, or from the whole catalogue"""
    category: Array
    """uniform"""
    video: Array
    """uniform"""
    noise: Array
    """standard normal"""


class AnswerDraws(NamedTuple):
    """Random numbers of one answer, (n,) uniforms each."""

    leave: Array
    watch: Array
    like: Array
    complete: Array
    mood: Array


def begin(xp: Any, viewer: Array, mood: Array) -> Session:
    """New sessions of (n,) viewers in (n,) moods."""
    zeros, whole = xp.zeros(viewer.shape, dtype=float), xp.zeros_like(viewer)
    nothing = whole + NOTHING
    return Session(viewer, mood, zeros, whole, zeros, whole, whole, nothing, nothing)


def offer(xp: Any, parameters: SimulatorParameters, market: Market, session: Session, draws: SlateDraws) -> Slate:
    """The base recommender's candidates: part from the predicted interests, the rest from the whole catalogue."""
    predicted = market.predicted[session.viewer]
    from_interest = xp.where(draws.category < 0.5, predicted[:, :1], predicted[:, 1:])
    anywhere = _position(xp, draws.category, market.count.shape[0])
    category = xp.where(draws.source < parameters.interest_share, from_interest, anywhere)
    video = market.first[category] + _position(xp, draws.video, market.count[category])
    match = (market.taste[session.viewer][:, None, :] * market.style[video]).sum(axis=-1)
    return rank(xp, parameters, market, session, video, match, draws.noise)


def rank(
    xp: Any,
    parameters: SimulatorParameters,
    market: Market,
    session: Session,
    video: Array,
    match: Array,
    noise: Array,
) -> Slate:
    """Score (n, r) videos by the platform's knowledge, and sort them by falling final score."""
    alpha, beta = market.alpha[video], market.beta[video]
    category, popularity = market.category[video], market.popularity[video]
    similarity = similarity_score(xp, parameters, market, match, alpha, beta, noise)
    return ordered(xp, parameters, market, session, video, category, similarity, popularity, alpha, beta)


def similarity_score(
    xp: Any, parameters: SimulatorParameters, market: Market, match: Array, alpha: Array, beta: Array, noise: Array
) -> Array:
    """The viewer's match with the video plus its measured log-odds of success, with an error; arrays of one shape."""
    measured = xp.log(alpha / beta) - market.odds_centre
    return parameters.match * match + measured + parameters.score_noise * noise


def ordered(
    xp: Any,
    parameters: SimulatorParameters,
    market: Market,
    session: Session,
    video: Array,
    category: Array,
    similarity: Array,
    popularity: Array,
    alpha: Array,
    beta: Array,
) -> Slate:
    """The slate of candidates with the given (n, r) parts, by falling final score w1·s + w2·views + w3·interest."""
    predicted = market.predicted[session.viewer]
    is_interest = ((category == predicted[:, :1]) | (category == predicted[:, 1:])) * 1.0
    w1, w2, w3 = parameters.score_weights
    score = w1 * similarity + w2 * popularity + w3 * is_interest
    order = xp.argsort(-score, axis=1)
    parts = (video, category, similarity, popularity, is_interest, score, alpha, beta)
    return Slate(*(xp.take_along_axis(part, order, axis=1) for part in parts))


def watch_odds(xp: Any, parameters: SimulatorParameters, market: Market, session: Session, video: Array) -> Array:
    """(n, m) log-odds that each session's viewer watches each of (n, m) videos, if the viewer stays."""
    interests, category = market.interests[session.viewer], market.category[video]
    is_mood = category == xp.take_along_axis(interests, session.mood[:, None], axis=1)
    is_other = category == xp.take_along_axis(interests, 1 - session.mood[:, None], axis=1)
    taste = market.region_category[market.region[session.viewer]][:, None]
    is_region = (category == taste) & ~is_mood & ~is_other
    match = (market.taste[session.viewer][:, None, :] * market.style[video]).sum(axis=-1)
    tired = xp.where(category == session.last_category[:, None], xp.minimum(session.run, _LONGEST_RUN)[:, None], 0)
    return (
        parameters.base
        + parameters.mood * is_mood
        + parameters.interest * is_other
        + parameters.region * is_region
        + parameters.match * match
        + parameters.appeal * market.appeal[video]
        - parameters.fatigue * tired
    )


def leave_odds(xp: Any, parameters: SimulatorParameters, market: Market, session: Session) -> Array:
    """(n,) log-odds that the viewer leaves instead of watching the next video."""
    ages = xp.asarray(parameters.leave_ages)
    return (
        parameters.leave
        + parameters.leave_irritation * session.irritation
        + parameters.leave_minutes * session.minutes
        + ages[market.age[session.viewer]]
    )


def expected_rewards(xp: Any, parameters: SimulatorParameters, market: Market, session: Session, video: Array) -> Array:
    """(n, m) exact mean rewards of (n, m) videos, from the hidden state that only the simulator knows."""
    odds = watch_odds(xp, parameters, market, session, video)
    watch, like = _chance(xp, odds), _chance(xp, parameters.like + parameters.like_slope * odds)
    leave = _chance(xp, leave_odds(xp, parameters, market, session))[:, None]
    leave = xp.where((session.videos >= parameters.max_videos - 1)[:, None], 1.0, leave)
    skipped, watched, liked, left = REWARDS
    stays = (1 - watch) * skipped + watch * ((1 - like) * watched + like * liked)
    return leave * left + (1 - leave) * stays


def answer(
    xp: Any, parameters: SimulatorParameters, market: Market, session: Session, video: Array, draws: AnswerDraws
) -> tuple[Session, Array, Array]:
    """Viewers' answers to (n,) shown videos: sessions afterwards, (n,) outcomes, and (n,) seconds watched."""
    odds = watch_odds(xp, parameters, market, session, video[:, None])[:, 0]
    is_last = session.videos >= parameters.max_videos - 1
    leaves = _happens(xp, draws.leave, leave_odds(xp, parameters, market, session)) | is_last
    watches = _happens(xp, draws.watch, odds)
    likes = _happens(xp, draws.like, parameters.like + parameters.like_slope * odds)
    seen = xp.where(likes, LIKED, WATCHED)
    outcome = xp.where(leaves, LEFT, xp.where(watches, seen, SKIPPED))
    after, seconds = _after(xp, parameters, market, session, video, outcome, draws)
    return after, outcome, seconds


def _after(
    xp: Any,
    parameters: SimulatorParameters,
    market: Market,
    session: Session,
    video: Array,
    outcome: Array,
    draws: AnswerDraws,
) -> tuple[Session, Array]:
    length, category = market.length_seconds[video], market.category[video]
    part = xp.where(draws.complete < parameters.complete, 1.0, _rescaled(draws.complete, parameters.complete))
    looked = xp.where(outcome == SKIPPED, xp.minimum(parameters.skip_seconds, length), part * length)
    seconds = xp.where(outcome == LEFT, 0.0, looked)
    skipped = outcome == SKIPPED
    irritation = parameters.patience * session.irritation + skipped - parameters.relief * (outcome == LIKED)
    turned = draws.mood < parameters.mood_switch
    after = Session(
        viewer=session.viewer,
        mood=xp.where(turned, 1 - session.mood, session.mood),
        irritation=irritation,
        run=xp.where(category == session.last_category, session.run + 1, 1),
        minutes=session.minutes + seconds / _SECONDS,
        videos=session.videos + 1,
        skips=session.skips + skipped,
        last_category=category,
        last_outcome=outcome,
    )
    return after, seconds


def _position(xp: Any, uniform: Array, size: Array) -> Array:
    """Map uniforms in [0, 1) to positions 0 … size − 1; in float32, uniform · size may round up to size."""
    return xp.minimum((uniform * size).astype(int), size - 1)


def _happens(xp: Any, uniform: Array, odds: Array) -> Array:
    """Events with the given log-odds: u < 1 / (1 + e^−odds), in a form in which no exponential overflows."""
    small = xp.exp(-xp.abs(odds))
    return uniform * (1.0 + small) < xp.where(odds >= 0, 1.0, small)


def _chance(xp: Any, odds: Array) -> Array:
    small = xp.exp(-xp.abs(odds))
    return xp.where(odds >= 0, 1.0, small) / (1.0 + small)


def _rescaled(uniform: Array, above: float) -> Array:
    """Map a uniform on [above, 1] to a uniform on [0, 1]."""
    return (uniform - above) / max(1.0 - above, 1e-12)
