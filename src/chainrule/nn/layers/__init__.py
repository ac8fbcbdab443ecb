"""The layers, a family a file: formula, shapes, forward and backward on one screen."""
