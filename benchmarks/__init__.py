"""Programs that measure this package beside others; each runs with ``python -m``."""
