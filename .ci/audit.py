"""Ask the advisory database about each installed package; say what it did not know.

pip-audit calls a package that the database could not be asked about "skipped", and
ends well even if that was all of them. Here the count is printed beside the verdict.
"""

from __future__ import annotations

import json
import subprocess
import sys

COMMAND = ["-m", "pip_audit", "--local", "--skip-editable", "--format", "json"]


def main() -> int:
    """The exit code: 1 where a vulnerability is known, 2 without a report."""
    done = subprocess.run(
        [sys.executable, *COMMAND], capture_output=True, text=True, check=False
    )
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(done.stderr or done.stdout, file=sys.stderr)
        return 2
    unknown = [package for package in packages if "skip_reason" in package]
    found = [
        f"{package['name']} {package['version']}: {problem['id']}, fixed in "
        f"{', '.join(problem['fix_versions']) or 'no release yet'}"
        for package in packages
        for problem in package.get("vulns", [])
    ]
    asked = len(packages) - len(unknown)
    print(*found, sep="\n", end="\n" if found else "")
    print(f"{asked} of {len(packages)} packages audited, {len(found)} problems known")
    if packages and not asked:
        print("The advisory database did not answer: nothing was audited.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
