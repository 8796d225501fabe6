"""Bounds that parameters have where none is given."""

from __future__ import annotations

__all__ = ["DEFAULT_MAX_EVENT_BYTES"]

DEFAULT_MAX_EVENT_BYTES = 16 * 1024 * 1024
"""The most bytes of one server-sent event, or of a whole body."""
