"""Plan to program: the first stage that loads torch."""
