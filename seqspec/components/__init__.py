"""The catalogue: ``<slot>/<name>.py`` holds the module of the component of that name; ``_layers/`` shared
mathematics.
"""
