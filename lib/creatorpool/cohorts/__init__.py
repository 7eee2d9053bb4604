"""Estimates of entrants' tests from logs: views to outcomes, outcomes to counts, counts to rows of tables."""
