"""What ``benchmarks/gpu.py`` is made of: the cases, the device, the meter, the two loops, the tables."""
