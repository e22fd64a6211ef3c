"""`pip install X`: whether X is there already, with its extras. Nothing is installed by a test.

`pip install -e .` makes the entry points of the folder known there, for a page whose PYTHONPATH is that folder.
"""

import re
import sys
import tomllib
from importlib.metadata import metadata
from pathlib import Path


def make_known() -> None:
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    name, version = project["name"].replace("-", "_"), project["version"]
    info = Path(f"{name}-{version}.dist-info")
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    lines = []
    for group, points in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{key} = {target}" for key, target in points.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))


def check(requirement: str) -> None:
    found = re.fullmatch(r"(?P<name>[\w.-]+)(?:\[(?P<extras>[\w,-]+)\])?", requirement)
    assert found, requirement
    known = (
        metadata("secretsource" if found["name"] == "." else found["name"]).get_all("Provides-Extra") or []
    )
    assert set((found["extras"] or "").split(",")) <= {"", *known}, (requirement, known)


command, *requirements = sys.argv[1:]
assert command == "install", command
if requirements == ["-e", "."]:
    make_known()
else:
    for each in requirements:
        check(each)
