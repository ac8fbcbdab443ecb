"""What figures of a search show: what it tried, what mattered, and what it was worth."""
