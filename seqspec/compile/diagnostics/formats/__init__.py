"""How diagnostics are written down, one format a file."""
