"""From splits to batches: layout, order, packing into batches, loaders."""
