"""Lets the API reference show what the classes of `secretsource._record.Record` take, as it does for dataclasses."""

from __future__ import annotations

import griffe


class Records(griffe.Extension):
    """Gives each of these classes the ``__init__`` that its fields make."""

    def on_package(self, *, pkg: griffe.Module, **_: object) -> None:
        """Go through the whole package, once it is loaded."""
        for module in (pkg, *_modules_below(pkg)):
            for kind in module.classes.values():
                if not kind.is_alias and [str(base) for base in kind.bases] == ["Record"]:
                    kind.set_member("__init__", _init_of(kind))


def _modules_below(module: griffe.Module) -> list[griffe.Module]:
    below = [each for each in module.modules.values() if not each.is_alias]
    return [*below, *(deeper for each in below for deeper in _modules_below(each))]


def _init_of(kind: griffe.Class) -> griffe.Function:
    by_position = str(kind.keywords.get("kw_only")) == "False"
    how = griffe.ParameterKind.positional_or_keyword if by_position else griffe.ParameterKind.keyword_only
    fields = [each for each in kind.attributes.values() if "property" not in each.labels and each.annotation]
    told = [
        griffe.Parameter(each.name, annotation=each.annotation, kind=how, default=each.value)
        for each in fields
    ]
    first = griffe.Parameter("self", kind=griffe.ParameterKind.positional_or_keyword)
    return griffe.Function("__init__", parameters=griffe.Parameters(first, *told), parent=kind)
