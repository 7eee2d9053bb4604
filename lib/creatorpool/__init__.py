"""Creator payouts, quality signals and creator incentives for short-video platforms."""
