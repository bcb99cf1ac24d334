"""The plan: plain data with digests."""
