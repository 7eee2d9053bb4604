"""Frames of who watched what in a pool."""
