"""Text to tree: YAML and TOML, with the place of every key and value."""
