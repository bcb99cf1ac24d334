"""A page in the browser to try a run on."""
