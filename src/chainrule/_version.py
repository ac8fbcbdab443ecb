"""The version of this package, by itself: what needs it imports nothing else for it."""

__all__ = ["__version__"]

__version__ = "0.1.0"
