"""What a search shows: who is still in it, and what a smaller one would have found."""
