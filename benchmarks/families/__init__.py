"""What ``benchmarks/family_peers.py`` compares: for each family our spec, and public code of the same model."""
