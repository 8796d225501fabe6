"""X."""
from .rows import Row
ROWS: tuple[Row, ...] = ()
