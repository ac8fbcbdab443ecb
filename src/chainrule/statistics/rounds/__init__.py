"""How many rounds: planned before a study, or decided while it runs."""
