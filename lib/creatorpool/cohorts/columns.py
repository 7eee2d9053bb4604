"""Columns and units of the cohort statistics, which the engine counts and the estimates read."""

from __future__ import annotations

from itertools import combinations_with_replacement

TERMS = ("segment", "window_n", "threshold_k", "revenue_share")
"""The terms of an entrant's test: estimates are made among entrants under the same terms."""

AFTER = ("exposure", "weighted", "weight", "shown", "unlogged")
"""An entrant's totals after the test: discounted impressions as logged, and under the target engine, in units; Σ of the
weights target/propensity, in units; impressions; and those of them without a propensity."""

MOMENTS = tuple(combinations_with_replacement(("exposure", "weighted", "weight", "shown"), 2))
"""Products of an entrant's totals that the errors of replayed values need."""

UNIT = 1_000_000
"""Discounted impressions count in whole millionths, so that no sum depends on the rows' order."""

PROXY_UNIT = 1_000_000_000
"""The proxy counts in whole billionths, so that no sum depends on the rows' order."""
