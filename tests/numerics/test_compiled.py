"""Kernels compile with or without a cache folder; slices cover every row once."""

from __future__ import annotations

import os

import numba
import numpy as np
import pytest

from creatorpool.allocation import allocate
from creatorpool.numerics import compiled


def test_compiled_without_writable_cache_folder_still_compiles(monkeypatch):
    njit = numba.njit

    def refusing_cache(function, *, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return njit(function, **options)

    monkeypatch.setattr(numba, "njit", refusing_cache)
    assert compiled.compiled(_half)(4.0) == 2.0


def _half(x):
    return x / 2.0


@pytest.mark.parametrize("rows", [0, 1, 99_999, 200_000, 250_001])
def test_on_slices_any_size_covers_each_row_once(monkeypatch, rows):
    monkeypatch.setattr(compiled, "processors", lambda: 3)
    seen = np.zeros(rows, dtype=np.int64)

    def mark(first: int, end: int) -> int:
        seen[first:end] += 1
        return end - first

    assert sum(compiled.on_slices(mark, rows)) == rows
    assert (seen == 1).all()


def test_allocate_other_number_of_threads_gives_same_bits(monkeypatch):
    m = np.random.default_rng(0).pareto(1.0, 400_000)
    results = []
    for count in (1, 2, 3):
        monkeypatch.setattr(compiled, "processors", lambda count=count: count)
        results.append(allocate(m, 1e9, alpha=0.5, lambda_eff=0.3, cap=1e5))
    for other in results[1:]:
        np.testing.assert_array_equal(other.payout, results[0].payout)
        assert other.nu == results[0].nu


def test_processors_without_affinity_counts_the_machines(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    assert compiled.processors() == (os.cpu_count() or 1)


def test_least_rows_of_a_slice_may_be_chosen(monkeypatch):
    monkeypatch.setattr(compiled, "processors", lambda: 2)

    assert compiled.on_slices(lambda first, end: (first, end), 99, least=50) == [(0, 99)]
    assert compiled.on_slices(lambda first, end: (first, end), 100, least=50) == [(0, 50), (50, 100)]
