"""Examines what a night needs before it runs: storage, source, engine and machine. It leaves nothing behind."""
