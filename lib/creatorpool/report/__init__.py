"""Output for people: terminal tables, charts, statements and the nightly report."""
