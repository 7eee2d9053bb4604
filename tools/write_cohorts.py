"""Writes ten days of made-up entrants to a folder: `python tools/write_cohorts.py cohorts` (docs/incentives.md)."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from creatorpool.synthetic.cohorts import CohortMarket, CohortSegment, write_cohort_days

MARKET = CohortMarket(
    segments=(
        CohortSegment("comedy", 3000),
        CohortSegment("music", 1500, quality=(9, 11), window_n=12, threshold_k=5, views_after_pass=5.0),
        CohortSegment("science", 120),
        CohortSegment("sports", 800, quality=(2, 40), threshold_k=18),
    ),
    first_day=date(2026, 11, 11),
    entry_days=2,
    days=10,
)

if __name__ == "__main__":
    truth = write_cohort_days(Path(sys.argv[1]), MARKET)
    print(f"{len(truth.creator_id):,} entrants and {truth.events.num_rows:,} events in {sys.argv[1]}")
