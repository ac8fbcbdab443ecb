"""Ours against the peers, on the same work, in one process, in turn."""
