"""Weights of losses that are learned beside the model."""
