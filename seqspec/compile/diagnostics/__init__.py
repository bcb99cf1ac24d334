"""Diagnostics: their pages, their formats, fixes, and comments that silence them."""
