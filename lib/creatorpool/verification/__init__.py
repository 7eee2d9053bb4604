"""Verifies a published day from its tables, or reproduces it from the table versions that its run read."""
