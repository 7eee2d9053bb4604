"""What people read: a run's summary on the terminal."""
