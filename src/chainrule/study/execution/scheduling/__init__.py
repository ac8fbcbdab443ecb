"""What can be begun, what is under way, and how far a run is."""
