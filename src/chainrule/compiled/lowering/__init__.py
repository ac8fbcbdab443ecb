"""From nets, losses and optimizers to a program of typed operations."""
