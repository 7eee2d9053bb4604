"""Frames of pools: who shares them, and every row of their payouts."""
