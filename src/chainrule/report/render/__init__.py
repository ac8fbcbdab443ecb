"""Tables written: for the terminal, and as text for files and papers."""
