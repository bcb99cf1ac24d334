"""Decoding a split and scoring it by the experiment's metrics."""
