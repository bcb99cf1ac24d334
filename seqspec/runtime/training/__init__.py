"""Training: the module, the trainer, gradients, and what happens at a step boundary."""
