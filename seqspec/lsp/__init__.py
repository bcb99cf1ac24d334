"""``seqspec lsp``: diagnostics, completion, hover, definitions and quick fixes for editors."""
