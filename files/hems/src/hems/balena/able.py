"""Which integrations the box's Home Assistant can load. A program of its own, by its own Python.

``python able.py DOMAIN…`` prints, as JSON, those that it can't: the box has no code or no library
for them, and installs none while it runs. An entry that can't be loaded is an error at every start.
"""

from __future__ import annotations

import json
import re
import sys
from importlib import metadata, util
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9._-]+")


def missing(components: Path, domain: str, seen: set[str]) -> bool:
    """Whether an integration, or one that it needs, lacks its code or a library."""
    if domain in seen:
        return False
    seen.add(domain)
    try:
        manifest = json.loads((components / domain / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return True
    for requirement in manifest.get("requirements", []):
        name = NAME.match(requirement)
        try:
            metadata.distribution(name.group() if name else requirement)
        except metadata.PackageNotFoundError:
            return True
    return any(missing(components, one, seen) for one in manifest.get("dependencies", []))


def main() -> int:
    """Run as a program."""
    found = util.find_spec("homeassistant")
    if found is None or not found.submodule_search_locations:
        print("there is no Home Assistant", file=sys.stderr)
        return 1
    components = Path(found.submodule_search_locations[0]) / "components"
    print(json.dumps([one for one in sys.argv[1:] if missing(components, one, set())]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
