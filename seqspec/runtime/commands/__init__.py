"""What the commands do that train, evaluate or use a run."""
