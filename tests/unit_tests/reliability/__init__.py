"""A stream that one can trust: faults, clocks, retries, bounds, ends, secrets."""
