"""Ingestion: one day's raw logs to checked tables, everything that breaks a rule to quarantine."""
