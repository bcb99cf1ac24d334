"""Sweeps: the study's log, suggestions as a pure function of it, trials as ordinary runs, and the result."""
