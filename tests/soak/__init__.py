"""A thousand streams at once for minutes, with faults: ``make soak``."""
