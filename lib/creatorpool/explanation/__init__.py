"""Why a payout changed between two published days: its change in parts that add up to the micro."""
