"""Trained models in other programs' formats, each compared with the run before it counts as written."""
