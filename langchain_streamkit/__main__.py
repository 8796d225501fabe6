"""``python -m langchain_streamkit`` is ``streamkit``."""

from __future__ import annotations

import sys

from langchain_streamkit.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
