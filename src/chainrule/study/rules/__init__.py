"""What a review of a study looks for: one rule a file."""
