"""What becomes of published payouts: restatements, rights, holds, the journal, months and payments."""
