"""Candidates: which are tried, and which of them is best."""
