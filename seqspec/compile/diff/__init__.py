"""Two plans compared by meaning."""
