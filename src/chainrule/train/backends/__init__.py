"""Who computes an epoch."""
