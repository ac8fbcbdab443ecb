"""Recipes: all that decides how one net is made and trained, as data."""
