"""Columns and units of the cohort statistics: the engine counts them, the estimates read them."""

from __future__ import annotations

from itertools import combinations_with_replacement

TERMS = ("segment", "window_n", "threshold_k", "revenue_share")
"""The terms of an entrant's test. An estimate uses entrants under the same terms."""

TOTALS_AFTER_TEST = ("exposure", "weighted", "weight", "shown", "unlogged")
"""An entrant's totals after the test: discounted impressions as logged, and under the target engine, in `UNIT`; Σ of
the weights target/propensity, in `UNIT`; number of impressions; and number of those without a propensity."""

MOMENTS = tuple(combinations_with_replacement(("exposure", "weighted", "weight", "shown"), 2))
"""Pairs of an entrant's totals whose products the errors of replayed values need."""

UNIT = 1_000_000
"""Discounted impressions are counted in whole millionths, so that sums do not depend on the order of rows."""

PROXY_UNIT = 1_000_000_000
"""The proxy is counted in whole billionths, so that sums do not depend on the order of rows."""
