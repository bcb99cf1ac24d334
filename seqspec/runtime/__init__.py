"""Run directories, checkpoints, resume, lock, evaluation, report."""
