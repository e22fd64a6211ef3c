"""Which examples there are, and what each one asks to be installed."""

from __future__ import annotations

from pathlib import Path

__all__ = ["ROOT", "examples", "extras_of"]

ROOT = Path(__file__).parents[2]


def examples() -> list[str]:
    """Return the names of the folders that run in an environment of their own."""
    return sorted(path.parent.name for path in (ROOT / "examples").glob("*/requirements.txt"))


def extras_of(name: str) -> list[str]:
    """Return the extras of secretsource that an example names."""
    lines = (ROOT / "examples" / name / "requirements.txt").read_text(encoding="utf-8").splitlines()
    [ours] = [line for line in lines if line.startswith("secretsource")]
    return [each.strip() for each in ours.partition("[")[2].partition("]")[0].split(",") if each]
