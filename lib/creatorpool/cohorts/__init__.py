"""What the logs say of entrants' tests: views to outcomes, outcomes to counts. Spark frames in, frames out."""
