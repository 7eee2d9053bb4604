"""Frames of paired payouts and their parts."""
