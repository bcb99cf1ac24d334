"""The corpus as it lies on the disk: what adapters share to read its files."""
