"""Spark frames from events and entrants to cohort statistics."""
