"""The tables of a study, as plain data."""
