"""The command line `creatorpool`: one verb for each task of a night, and for each question about published days."""
