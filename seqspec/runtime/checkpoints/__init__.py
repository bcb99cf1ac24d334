"""Checkpoints: durable folders, which are kept, and which is used."""
