"""Which integrations there are, and what each one imports: read from the files, so that a new one is not forgotten."""

from __future__ import annotations

import ast
import importlib.metadata
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

__all__ = ["ROOT", "Need", "extras", "modules", "needed_by", "needs_of", "packages_of"]

ROOT = Path(__file__).parents[2]
_FOLDER = ROOT / "secretsource" / "integrations"


@dataclass(frozen=True, slots=True)
class Need:
    """One block ``with needs(…)``.

    Attributes:
        extra: The extra that it names.
        packages: The packages that it imports, by the first part of their names.
    """

    extra: str
    packages: frozenset[str]


def modules() -> list[str]:
    """Return the names of the public modules and packages below `secretsource.integrations`, as they are imported."""
    files = (
        path.relative_to(_FOLDER)
        for path in _FOLDER.rglob("*.py")
        if path.parent != _FOLDER or path.stem[0] != "_"
    )
    names = (".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files)
    return sorted(name for name in names if "_" not in {part[0] for part in name.split(".")})


@cache
def needs_of(name: str) -> tuple[Need, ...]:
    """Return what the module or package called *name* needs itself."""
    path = _FOLDER.joinpath(*name.split("."))
    return tuple(_needs_in(path / "__init__.py" if path.is_dir() else path.with_suffix(".py")))


@cache
def packages_of(extra: str | None = None) -> frozenset[str]:
    """Return the packages that any module, private ones too, imports of what *extra* brings, or of all."""
    needs = (need for path in _FOLDER.rglob("*.py") for need in _needs_in(path))
    return frozenset(package for need in needs if extra in (None, need.extra) for package in need.packages)


def _needs_in(path: Path) -> Iterator[Need]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.With) or not isinstance(node.items[0].context_expr, ast.Call):
            continue
        call = node.items[0].context_expr
        if getattr(call.func, "id", "") == "needs":
            extra = ast.literal_eval(next(each.value for each in call.keywords if each.arg == "extra"))
            yield Need(extra, frozenset(_imported(node)) - {"secretsource"} - sys.stdlib_module_names)


def _imported(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in each.names)
        elif isinstance(each, ast.ImportFrom) and each.module and not each.level:
            yield each.module.partition(".")[0]


def extras() -> dict[str, frozenset[str]]:
    """Return the distributions that each extra in ``pyproject.toml`` brings, those of other extras in it too."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]

    def brought(extra: str) -> Iterator[str]:
        for requirement in map(Requirement, table[extra]):
            if requirement.name == "secretsource":
                for other in requirement.extras:
                    yield from brought(other)
            else:
                yield canonicalize_name(requirement.name)

    return {extra: frozenset(brought(extra)) for extra in table}


def needed_by(packages: frozenset[str]) -> frozenset[str]:
    """Return the packages that come with *packages*, and theirs, as the installed distributions say."""
    provided = importlib.metadata.packages_distributions()
    waiting = [name for package in packages for name in provided.get(package, ())]
    known: set[str] = set()
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in known:
            continue
        known.add(name)
        try:
            lines = importlib.metadata.requires(name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # its marker says that it is for another system
        for requirement in map(Requirement, lines):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return frozenset(
        package for package, names in provided.items() if known & {canonicalize_name(each) for each in names}
    )
