"""AI Factory command line: aif."""
