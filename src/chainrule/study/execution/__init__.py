"""Running a study: cohorts, scheduler, executors, rows kept at once."""
