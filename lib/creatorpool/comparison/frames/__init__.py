"""Spark frames of the viewing in each pool."""
