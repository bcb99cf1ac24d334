"""``report.html``: what it shows, one topic a file; the design is that of ``seqspec.pages``."""
