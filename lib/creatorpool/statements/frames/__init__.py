"""Frames of creators' statements."""
