"""Hostile bytes for the decoder: ``make fuzz``, and a slice of it in the unit tests."""
