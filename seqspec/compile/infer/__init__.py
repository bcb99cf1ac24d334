"""Experiment to plan: types flow, and every number that follows is filled in."""
