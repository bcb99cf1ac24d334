"""``python -m seqspec``."""

from seqspec.cli import main

main()
