"""What a study takes from files of the user: modules with nets, and tables."""
