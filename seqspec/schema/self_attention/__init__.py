"""What stands in place of full self-attention in the layers of a Transformer."""
