"""Spark frames of paired payouts and the parts of their changes."""
