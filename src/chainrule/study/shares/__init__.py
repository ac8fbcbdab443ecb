"""Fixed parts of a study for machines that do not see each other, and how they become one again."""
