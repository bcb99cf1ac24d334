"""The compiler: ``pipeline.py`` is all of it on one screen; a sub-package is a stage or a topic."""
