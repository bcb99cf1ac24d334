"""The design that every page shares: one template, its elements, charts and media.  No torch, no I/O but its own
static files.
"""
