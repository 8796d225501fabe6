"""Decisions about faults: may we try again, after how long, when is it too late.

Nothing in here waits, sends or reads a clock; times and errors are passed in.
"""
