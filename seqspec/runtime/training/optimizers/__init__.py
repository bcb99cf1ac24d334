"""What moves parameters: optimisers and their state, what stands still, the scaled loss of float16."""
