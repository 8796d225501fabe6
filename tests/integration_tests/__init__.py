"""Tests against servers on this machine that nobody here wrote."""
