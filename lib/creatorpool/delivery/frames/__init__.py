"""Frames from exposures to fitted response curves."""
