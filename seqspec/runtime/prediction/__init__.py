"""Using a run's model on new inputs."""
