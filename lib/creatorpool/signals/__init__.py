"""Signals: what viewers did with each video over one day, weighted by how far they are trusted."""
