"""The reasons of a payout's change between two published days, as parts that sum to the change to the micro."""
