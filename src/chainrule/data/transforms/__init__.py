"""What is done to inputs and targets before, or while, a net learns from them."""
