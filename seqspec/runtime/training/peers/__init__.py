"""Peers that come, go and die, and share the micro-batches of each step through a place that all reach."""
