"""The declaration of a study: its sections, arms and space."""
