"""The design that every page shares: one template, its elements, charts and media.  No torch, and no I/O but
of its own static files.
"""
