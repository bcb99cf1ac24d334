"""Job files for clusters, one engine a file: each starts the one command that goes on where a run stopped."""
