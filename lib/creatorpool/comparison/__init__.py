"""Splits of a day's pools under other policies and other rules. Only `frames` imports Spark."""
