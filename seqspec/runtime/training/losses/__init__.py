"""What a training step makes small, which targets it counts, and the teachers that it compares with."""
