"""The lock: everything that decides a run's bits."""
