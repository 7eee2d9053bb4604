"""Spark frames from events to signals and quality."""
