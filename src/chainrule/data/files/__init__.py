"""Data files: CSV, NPZ, IDX; those that come with the package, and those that are fetched."""
