"""The stages of a day, the runner that publishes them, and their order."""
