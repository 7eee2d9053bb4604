"""Frames from events to signals and quality."""
