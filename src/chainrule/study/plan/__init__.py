"""What a study would train and cost, before it is run."""
