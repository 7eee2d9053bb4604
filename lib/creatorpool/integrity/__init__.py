"""What an attacker with fake viewers earns, by the formulas that pay: no Spark in here."""
