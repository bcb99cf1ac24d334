"""Plan, prepared data and program of one experiment put together."""
