"""What a run goes through: preparation, its plan in files, training and evaluation, an early end."""
