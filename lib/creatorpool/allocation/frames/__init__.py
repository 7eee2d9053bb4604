"""Spark frames of pools: the videos that share them, and their payouts."""
