"""Spark frames from events to similar videos and candidates."""
