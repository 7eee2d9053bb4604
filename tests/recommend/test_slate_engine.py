from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta as beta_law

from creatorpool.errors import InputError
from creatorpool.incentives import TestPlan, constant_inclusion_value, simulate_continuation
from creatorpool.recommend import FinalScorePolicy, RandomPolicy, SessionSimulator, SimulatorParameters
from creatorpool.recommend.policies import ThompsonPolicy, UcbPolicy
from creatorpool.recommend.slate_engine import SlateEngine, gather_audience

SIMULATOR = SessionSimulator(SimulatorParameters(videos=300, viewers=500, candidates=5), seed=1)
PLAN = TestPlan(n=20, k=11, prior=(2.0, 2.0), delta=0.9, start=1)


def engine(policy: object, slates: int = 250) -> SlateEngine:
    return SlateEngine(SIMULATOR, policy, PLAN, category="music", slates=slates)  # type: ignore[arg-type]


def test_an_engine_that_chooses_at_random_gives_the_closed_form() -> None:
    random = engine(RandomPolicy())
    np.testing.assert_allclose(random.table, 0.2)
    found = simulate_continuation(random, PLAN, paths=200)
    assert found.g0 == pytest.approx(float(constant_inclusion_value(0.2, 0.9, 1)), rel=1e-5)
    assert found.spread == pytest.approx(0, abs=1e-9)


def test_the_share_of_a_thompson_engine_is_the_chance_that_its_draw_is_best() -> None:
    """Against numerical integration over the entrant's posterior and the incumbents' in each slate."""
    thompson = engine(ThompsonPolicy(draws=100), slates=100)
    crowd, mean, total = thompson._audience, 0.6, 40.0
    x = np.linspace(0, 1, 2001)[1:-1]
    rivals = np.ones((100, 5), dtype=bool)
    rivals[np.arange(100), crowd.place] = False
    alpha, beta = (part[rivals].reshape(100, 4) for part in (crowd.slate.alpha, crowd.slate.beta))
    beats_all = beta_law.cdf(x, alpha[:, :, None], beta[:, :, None]).prod(axis=1).mean(axis=0)
    expected = np.trapezoid(beta_law.pdf(x, mean * total, (1 - mean) * total) * beats_all, x)
    assert thompson.share_of(mean, total) == pytest.approx(expected, abs=0.015)


def test_the_share_of_the_final_score_worked_out_slate_by_slate() -> None:
    score = engine(FinalScorePolicy(), slates=60)
    crowd, p, market = score._audience, SIMULATOR.parameters, SIMULATOR.market
    mean, total, shown = 0.7, 54.0, 0
    popularity = (np.log(total - 4 + 1) - market.views_centre) / market.views_scale
    for i in range(60):
        is_interest = 3 in market.predicted[crowd.session.viewer[i]]  # music
        measured = np.log(mean / (1 - mean)) - market.odds_centre
        similarity = p.match * crowd.match[i] + measured + p.score_noise * crowd.noise[i]
        own = 1.0 * similarity + 0.3 * popularity + 1.0 * is_interest
        shown += own > np.delete(crowd.slate.score[i], crowd.place[i]).max()
    assert score.share_of(mean, total) == pytest.approx(shown / 60)


def test_interpolated_shares_are_those_of_the_slates() -> None:
    ucb, score = engine(UcbPolicy(), 1000), engine(FinalScorePolicy(), 1000)
    for chosen in (ucb, score):
        for mean, total in ((0.31, 29.0), (0.55, 70.0), (0.74, 200.0)):
            found = chosen.share(np.array([mean]), np.array([total]))[0]
            assert found == pytest.approx(chosen.share_of(mean, total), abs=0.03)
        at = chosen.table[24, 3], 0.5, np.exp(chosen._totals[3])
        assert chosen.share(np.array([at[1]]), np.array([at[2]]))[0] == pytest.approx(at[0])
        ends = chosen.share(np.array([1e-6, 1 - 1e-6]), np.array([1.0, 1e6]))
        np.testing.assert_allclose(ends, [chosen.table[0, 0], chosen.table[-1, -1]])


def test_engines_that_use_success_give_graduates_more() -> None:
    for policy in (FinalScorePolicy(), UcbPolicy(), ThompsonPolicy(draws=8)):
        chosen = engine(policy)
        assert (np.diff(chosen.table, axis=0) > -0.02).all()
        found = simulate_continuation(chosen, PLAN, paths=500)
        assert found.interval("spread")[0] > 0


def test_the_audience_is_reproducible_and_from_whole_sessions() -> None:
    one, two = (gather_audience(SIMULATOR, FinalScorePolicy(), 300, 5) for _ in range(2))
    for a, b in zip((*one.session, *one.slate, one.place), (*two.session, *two.slate, two.place), strict=True):
        np.testing.assert_array_equal(a, b)
    assert one.session.videos.max() > 5
    assert (one.session.videos == 0).mean() < 0.2
    market = SIMULATOR.market
    np.testing.assert_array_equal(one.slate.category, market.category[one.slate.video])


def test_unknown_categories_are_refused_with_the_list() -> None:
    with pytest.raises(InputError, match=r"category must be one of .*, got 'opera'"):
        SlateEngine(SIMULATOR, RandomPolicy(), PLAN, category="opera")
    with pytest.raises(InputError, match="slates must be >= 1"):
        SlateEngine(SIMULATOR, RandomPolicy(), PLAN, category="music", slates=0)
