"""The stages of a day, in order: ingest, signals, allocate. Each reads published tables and publishes its own."""
