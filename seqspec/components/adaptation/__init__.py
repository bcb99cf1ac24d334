"""What is added to parts whose own weights stand still."""
