"""What becomes of a mistake: whose it is, and how it is told."""
