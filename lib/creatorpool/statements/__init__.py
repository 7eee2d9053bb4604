"""Statements for creators: earnings by video and pool, changes with their reasons, and the effect of each signal."""
