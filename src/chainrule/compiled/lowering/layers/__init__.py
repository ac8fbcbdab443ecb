"""From each family of layers to a program's operations."""
