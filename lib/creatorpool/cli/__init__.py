"""The command line `creatorpool`: the night's work and the questions that an operator has, each a verb."""
