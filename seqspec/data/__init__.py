"""What turns adapters into batches: line readers, cache, length index, batch plan, loader."""
