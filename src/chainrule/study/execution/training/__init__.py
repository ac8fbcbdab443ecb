"""A cohort from its samples to its records: what a worker trains."""
