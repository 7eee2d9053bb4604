"""Spark frames of creators' statements."""
