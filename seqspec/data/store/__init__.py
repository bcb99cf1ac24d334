"""Files that outlive a process: the cache, memory-mapped stores, hashes, durable writes."""
