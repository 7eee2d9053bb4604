"""A day's pools split otherwise: under other policies, and by other rules. Viewing aside, no Spark here."""
