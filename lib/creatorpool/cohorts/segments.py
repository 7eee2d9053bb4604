"""Each segment's cohort as arrays, from the statistics that Spark counted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from creatorpool.cohorts.columns import AFTER, MOMENTS, PROXY_UNIT, TERMS, UNIT
from creatorpool.incentives.cohort import CohortCounts, identical_slots
from creatorpool.incentives.exposure import CellTotals, CohortExposure
from creatorpool.incentives.policy import Policy
from creatorpool.incentives.replayed import SideMoments
from creatorpool.incentives.types import Floats

SCALE: Mapping[str, float] = {"exposure": UNIT, "weighted": UNIT, "weight": UNIT, "shown": 1.0, "mass": UNIT}
"""Units of each total in one of what it counts."""

_KEYS = ("bin", "successes", "is_followed", "is_late", "test_slot")


@dataclass(frozen=True)
class CohortStatistics:
    """What `cohorts.frames.statistics` counted, of all segments."""

    cells: pa.Table
    slots: pa.Table
    medians: pa.Table
    entered: pa.Table


@dataclass(frozen=True)
class SegmentCohort:
    """Entrants of one segment under the terms that most of its finished tests had."""

    segment: str
    window_n: int
    threshold_k: int
    revenue_share: float
    entered: int
    """entrants of the segment, whatever their terms"""
    unfinished: int
    """entrants under these terms whose test is not finished"""
    other_terms: int
    """entrants under other terms, who are left out"""
    counts: CohortCounts
    exposure: CohortExposure
    moments: pd.DataFrame
    """followed entrants by side of the bar and cohort half: sums of their totals after the test, and of the products"""

    def policy(self, bounty: float) -> Policy:
        """The terms as a policy whose exposure is not known yet."""
        n, k, r = np.asarray(self.window_n), np.asarray(self.threshold_k), np.asarray(self.revenue_share)
        return Policy(np.asarray(0.0), n, k, np.asarray(bounty), np.asarray(0.0), np.asarray(0.0), r)

    def side(self, passed: bool, first: str = "weighted", is_late: bool | None = None) -> SideMoments:
        """Moments of (`first`, weight, shown) of the followed entrants on one side of the bar, of one half if given."""
        rows = self.moments[self.moments["passed"] == passed]
        rows = rows if is_late is None else rows[rows["is_late"] == is_late]
        names = (first, "weight", "shown")
        scale = np.array([SCALE[name] for name in names])
        total = np.array([float(rows[name].sum()) for name in names]) / scale
        products = np.array([[float(rows[_product(a, b)].sum()) for b in names] for a in names])
        return SideMoments(int(rows["entrants"].sum()), total, products / np.outer(scale, scale))

    @property
    def unlogged(self) -> int:
        """Impressions after the test without a propensity."""
        return int(self.moments["unlogged"].sum())

    @property
    def shown(self) -> int:
        """Impressions after the test of the followed entrants."""
        return int(self.moments["shown"].sum())


def segment_cohorts(statistics: CohortStatistics) -> list[SegmentCohort]:
    """One cohort a segment that somebody entered, in order of their names."""
    cells, slots, medians, entered = (
        _in_order(table) for table in (statistics.cells, statistics.slots, statistics.medians, statistics.entered)
    )
    finished = cells.groupby(list(TERMS), as_index=False)["entrants"].sum()
    terms = entered.merge(finished, on=list(TERMS), how="left").fillna({"entrants": 0})
    # Most finished tests first; of equals the terms that more entered under, then the larger ones.
    order = ["segment", "entrants", "entered", "window_n", "threshold_k", "revenue_share"]
    terms = terms.sort_values(order, ascending=[True] + [False] * 5, kind="stable")
    by_terms = [dict(iter(frame.groupby(list(TERMS)))) for frame in (cells, slots, medians)]
    found = []
    for segment, rows in terms.groupby("segment", sort=True):
        chosen = rows.iloc[0]
        key = tuple(chosen[list(TERMS)])
        own = [frames.get(key, frame.iloc[:0]) for frames, frame in zip(by_terms, (cells, slots, medians), strict=True)]
        found.append(_cohort(str(segment), chosen, int(rows["entered"].sum()), *own))
    return found


def _in_order(table: pa.Table) -> pd.DataFrame:
    """Rows in the order of their keys: engines return them in any, and sums must not depend on it."""
    keys = [name for name in (*TERMS, *_KEYS) if name in table.column_names]
    rows: pd.DataFrame = table.to_pandas()
    return rows.sort_values(keys, ignore_index=True)


def _cohort(
    segment: str, chosen: pd.Series, entered: int, cells: pd.DataFrame, slots: pd.DataFrame, medians: pd.DataFrame
) -> SegmentCohort:
    n, k = int(chosen["window_n"]), int(chosen["threshold_k"])
    bins = np.sort(cells["bin"].unique()) if len(cells) else np.array([0])
    grid = _Grid(bins, n)
    entrants = grid.filled(cells, "entrants").astype(np.int64)
    followed = cells[cells["is_followed"].astype(bool)]
    size = np.maximum(entrants.sum(axis=1), 1)
    proxy = grid.filled(cells, "proxy").sum(axis=1) / size / PROXY_UNIT
    median = float(medians["median"].iloc[0]) / PROXY_UNIT if len(medians) else 0.0
    counts = CohortCounts(proxy, entrants, grid.slot_rates(slots, entrants), median)
    exposure = CohortExposure(grid.totals(cells, "mass"), grid.totals(followed, "exposure"))
    sums = ["entrants", *AFTER, *(_product(a, b) for a, b in MOMENTS)]
    moments = followed.assign(passed=followed["successes"] >= k).groupby(["passed", "is_late"], as_index=False)[sums]
    return SegmentCohort(
        segment=segment,
        window_n=n,
        threshold_k=k,
        revenue_share=float(chosen["revenue_share"]),
        entered=entered,
        unfinished=int(chosen["entered"] - chosen["entrants"]),
        other_terms=entered - int(chosen["entered"]),
        counts=counts,
        exposure=exposure,
        moments=moments.sum(),
    )


@dataclass(frozen=True)
class _Grid:
    """Rows by bin and number of successes to (b, n + 1) arrays."""

    bins: np.ndarray
    n: int

    def filled(self, rows: pd.DataFrame, name: str) -> Floats:
        """Sums of a column by cell; whole numbers below 2^53 stay exact."""
        values = np.zeros((self.bins.size, self.n + 1))
        np.add.at(values, self._cells(rows), rows[name].to_numpy(dtype=np.float64))
        return values

    def totals(self, rows: pd.DataFrame, name: str) -> CellTotals:
        """A total of entrants by cell, in impressions."""
        unit = SCALE[name]
        entrants = self.filled(rows, "entrants").astype(np.int64)
        return CellTotals(
            entrants, self.filled(rows, name) / unit, self.filled(rows, _product(name, name)) / (unit * unit)
        )

    def slot_rates(self, slots: pd.DataFrame, entrants: np.ndarray) -> Floats:
        """(b, n + 1, n) share of each cell's entrants who succeeded in each slot."""
        succeeded = np.zeros((*entrants.shape, self.n))
        place = (*self._cells(slots), slots["test_slot"].to_numpy(dtype=np.int64) - 1)
        succeeded[place] = slots["succeeded"].to_numpy(dtype=np.float64)
        size = entrants[..., None]
        return np.where(size > 0, succeeded / np.maximum(size, 1), identical_slots(self.bins.size, self.n))

    def _cells(self, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        place = np.searchsorted(self.bins, rows["bin"].to_numpy(dtype=np.int64))
        return place, rows["successes"].to_numpy(dtype=np.int64)


def _product(first: str, second: str) -> str:
    return f"{first}_{second}" if (first, second) in MOMENTS or first == second else f"{second}_{first}"
