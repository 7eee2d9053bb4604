"""The earnings of an attacker with fake viewers, by the formulas that pay creators. No module imports Spark."""
