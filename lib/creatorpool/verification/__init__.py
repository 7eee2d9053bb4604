"""A published day recomputed from its tables, or made again from the versions that its run read."""
