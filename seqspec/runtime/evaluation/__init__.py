"""Evaluation: what is scored, with which weights, and the record that is kept of it."""
