"""Everything that outlives a process, under keys: results, checkpoints, failures, leases, limits of memory."""
