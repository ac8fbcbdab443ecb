"""Several arms: comparisons and effects of factors, corrected together."""
