"""Where tables are, and how rows get into them: files first, then one commit that the claim of the run fences."""
