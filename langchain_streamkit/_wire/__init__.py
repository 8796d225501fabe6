"""Bytes to values and back, by pure functions and small state machines.

Nothing in here opens a socket, reads a clock or knows LangChain.
"""
