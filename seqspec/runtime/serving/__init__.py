"""Serving runs over HTTP: models in a process, requests gathered into batches."""
