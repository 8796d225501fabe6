"""Print the floors of the package's dependencies, extras too, as exact constraints.

``langchain-core>=1.6,<2`` becomes ``langchain-core==1.6``; a dependency without
a floor is an error, for then nothing would be tested.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

_FLOOR = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*>=\s*(?P<floor>[\d.]+)"
)


def lowest_versions(pyproject: str) -> list[str]:
    project = tomllib.loads(pyproject)["project"]
    requirements = list(project["dependencies"])
    for more in project["optional-dependencies"].values():
        requirements += more
    own = f"{project['name']}["  # an extra that brings another one
    requirements = [r for r in requirements if not r.startswith(own)]
    floors = [_FLOOR.match(requirement) for requirement in requirements]
    without = [r for r, floor in zip(requirements, floors, strict=True) if not floor]
    if without:
        sys.exit(f"No floor (>=) in: {', '.join(without)}")
    return [f"{floor['name']}=={floor['floor']}" for floor in floors if floor]


if __name__ == "__main__":
    root = Path(__file__).parent.parent
    print("\n".join(lowest_versions((root / "pyproject.toml").read_text("utf-8"))))
