"""Frames from events and entrants to cohort statistics."""
