"""What a creator is told: what was earned, by video and pool, what changed and why, and how each signal counted."""
