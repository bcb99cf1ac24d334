"""From records to memory-mapped splits, stage by stage."""
