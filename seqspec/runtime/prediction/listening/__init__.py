"""Recordings that are heard while they are spoken: the pipe they come from, and what is made of it."""
