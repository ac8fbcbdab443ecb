"""Figures of a search: what it tried, what mattered, and what it was worth."""
