"""Folders in Hugging Face's layout: what they say, read within bounds and without torch or a weight."""
