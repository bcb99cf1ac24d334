"""The run directory: its files, its log of metrics, its owner."""
