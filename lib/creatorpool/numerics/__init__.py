"""Compiled kernels, exact sums, powers and elementary functions that give the same digits everywhere."""
