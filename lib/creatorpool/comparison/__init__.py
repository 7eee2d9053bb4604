"""A day's pools split otherwise: under other settings of the dial, and by other rules. Viewing aside, no Spark here."""
