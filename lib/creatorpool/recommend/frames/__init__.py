"""Frames from events to similar videos and candidates."""
