"""The machine and its devices: launch options, processes, threads."""
