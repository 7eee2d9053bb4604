"""Runs: who is running what, and which stage of which day is published."""
