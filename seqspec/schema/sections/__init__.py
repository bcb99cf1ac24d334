"""The sections of a spec, one a file; ``experiment.py`` puts them together."""
