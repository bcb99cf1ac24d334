"""What an experiment costs before it runs: parameters, memory, arithmetic."""
