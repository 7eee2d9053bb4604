"""Spark frames from exposures to fitted response curves."""
