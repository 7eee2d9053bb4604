"""Geometric quality and engagement diversity: by hand, by properties, and batch by batch."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import entropy

from creatorpool.errors import InputError
from creatorpool.quality import engagement_diversity, geometric_mean, geometric_quality

PHI = [0.35, 0.25, 0.15, 0.10, 0.15]
component_rows = arrays.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(5)), elements=st.floats(0, 1))
count_rows = arrays.arrays(np.float64, st.tuples(st.integers(1, 6), st.just(4)), elements=st.floats(0, 1e12))


def test_geometric_quality_hand_worked_video():
    # 0.25^0.5 · 0.36^0.5 = 0.5 · 0.6
    assert_allclose(geometric_quality([[0.25, 0.36]], [0.5, 0.5], [True]), [0.3], rtol=1e-15)


def test_geometric_quality_of_perfect_components_is_one():
    assert geometric_quality([[1.0] * 5], PHI, [True]).tolist() == [1.0]


def test_geometric_quality_with_one_component_at_zero_is_zero():
    assert geometric_quality([[1.0, 1.0, 0.0, 1.0, 1.0]], PHI, [True]).tolist() == [0.0]


def test_geometric_quality_component_without_weight_drops_out_even_at_zero():
    assert_allclose(geometric_quality([[0.49, 0.0, 1.0]], [0.5, 0.0, 0.5], [True]), [0.7], rtol=1e-15)


def test_geometric_quality_of_non_compliant_video_is_zero_and_its_mean_is_not():
    assert geometric_quality([[0.5, 0.5]], [0.5, 0.5], [False]).tolist() == [0.0]
    assert_allclose(geometric_mean([[0.5, 0.5]], [0.5, 0.5]), [0.5], rtol=1e-15)


def test_geometric_quality_of_no_video_is_empty():
    assert geometric_quality(np.empty((0, 5)), PHI, np.empty(0, dtype=bool)).size == 0


@settings(max_examples=200)
@given(component_rows)
def test_geometric_quality_is_between_smallest_and_largest_component(components):
    quality = geometric_quality(components, PHI, np.ones(len(components), dtype=bool))
    assert (quality >= components.min(axis=1) * (1 - 1e-12)).all()
    assert (quality <= np.minimum(1.0, components.max(axis=1) * (1 + 1e-12))).all()


@settings(max_examples=100)
@given(component_rows, st.integers(0, 4), st.floats(0, 1))
def test_geometric_quality_never_falls_when_a_component_rises(components, which, share):
    raised = components.copy()
    raised[:, which] += share * (1 - raised[:, which])
    gate = np.ones(len(components), dtype=bool)
    assert (geometric_quality(raised, PHI, gate) >= geometric_quality(components, PHI, gate) * (1 - 1e-12)).all()


invalid_quality_input = [
    ([0.5, 0.5], [0.5, 0.5], [True], r"components must have shape \(n, k\)"),
    ([[0.5, 0.5]], [1.0], [True], r"components must have shape \(n, k\)"),
    ([[0.5, 1.5]], [0.5, 0.5], [True], r"components\[0, 1\] must be within \[0, 1\], got 1.5"),
    ([[0.5, 0.5], [-0.1, 0.5]], [0.5, 0.5], [True, True], r"components\[1, 0\] must be within \[0, 1\], got -0.1"),
    ([[math.nan, 0.5]], [0.5, 0.5], [True], r"components\[0, 0\] must be within \[0, 1\], got nan"),
    ([[0.5, 0.5]], [0.5, 0.6], [True], "weights must be >= 0 and sum to 1"),
    ([[0.5, 0.5]], [1.5, -0.5], [True], "weights must be >= 0 and sum to 1"),
    ([[0.5, 0.5]], [math.nan, 1.0], [True], "weights must be >= 0 and sum to 1"),
    ([[0.5, 0.5]], [0.5, 0.5], [True, True], "compliant must have one value per video"),
]


@pytest.mark.parametrize(("components", "weights", "compliant", "message"), invalid_quality_input)
def test_geometric_quality_bad_input_is_named(components, weights, compliant, message):
    with pytest.raises(InputError, match=message):
        geometric_quality(components, weights, compliant)


def test_engagement_diversity_hand_worked_videos():
    counts = [[1, 1, 1, 1], [3, 0, 0, 0], [0, 0, 0, 0], [2, 2, 0, 0]]
    assert_allclose(engagement_diversity(counts), [1.0, 0.0, 0.0, 0.5], rtol=1e-15)


@settings(max_examples=200)
@given(count_rows)
def test_engagement_diversity_is_scipy_entropy_in_base_four(counts):
    diversity = engagement_diversity(counts)
    acted = counts.sum(axis=1) > 0
    assert (diversity[~acted] == 0).all()
    assert_allclose(diversity[acted], entropy(counts[acted], axis=1) / math.log(4), rtol=0, atol=1e-12)
    assert ((diversity >= 0) & (diversity <= 1)).all()


@pytest.mark.parametrize("counts", [[[1.0, -1.0]], [[math.nan, 1.0]], [[math.inf, 1.0]], [[1.0]], [1.0, 2.0]])
def test_engagement_diversity_bad_counts_are_refused(counts):
    with pytest.raises(InputError, match="counts"):
        engagement_diversity(counts)


@pytest.mark.parametrize("batch", [1, 3, 8, 64, 999])
def test_quality_and_diversity_do_not_depend_on_batches_or_memory_layout(batch):
    rng = np.random.default_rng(batch)
    components, counts = rng.random((1000, 5)), rng.random((1000, 4))
    quality, diversity = geometric_mean(components, PHI), engagement_diversity(counts)
    for start in range(0, 1000, batch):
        rows = slice(start, start + batch)
        assert_array_equal(geometric_mean(np.asfortranarray(components[rows]), PHI), quality[rows])
        assert_array_equal(engagement_diversity(np.asfortranarray(counts[rows])), diversity[rows])
