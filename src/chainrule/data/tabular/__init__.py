"""Tables of columns as numbers: encoders, targets, all of it as one preprocessor."""
