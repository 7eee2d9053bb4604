"""Settlement on the engine: changes of payouts, postings and balances as column expressions."""
