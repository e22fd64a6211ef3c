"""Which fields of a settings class are asked for, and by which names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import SecretBytes, SecretStr
from pydantic_settings import SettingsError

from secretsource.integrations.pydantic_settings._classes import (
    arms_of,
    chosen,
    config_of,
    fields_of,
    is_model,
    keys_of,
    mark_of,
)

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = ["Model", "Wanted", "wanted_of"]

_SECRET_TYPES = (SecretStr, SecretBytes)
_NOT_GIVEN = object()


@dataclass(frozen=True, slots=True)
class Wanted:
    """One field that is asked for.

    Attributes:
        name: The name or reference.
        field: What pydantic knows of it.
        label: The field as messages name it: ``email.api_key``.
        path: The keys under which the value is handed over.
        is_required: Whether neither it nor a model around it has a default.
    """

    name: str
    field: FieldInfo
    label: str
    path: tuple[str, ...]
    is_required: bool


@dataclass(frozen=True, slots=True)
class Model:
    """A settings class, or a model or pydantic dataclass in it, whose fields are looked through.

    Attributes:
        kind: The class.
        given: What other sources have for it.
        prefix: What stands before the names of its fields.
        label: The field that holds it, with a dot behind.
        path: The keys of that field.
        is_required: Whether that field needs a value.
        is_marked: Whether all of its fields are secrets.
        around: The classes around it, which are not looked into once more.
    """

    kind: type[Any]
    given: Mapping[str, Any] = field(repr=False)  # other sources mask nothing
    prefix: str
    label: str = ""
    path: tuple[str, ...] = ()
    is_required: bool = True
    is_marked: bool = False
    around: tuple[type[Any], ...] = ()


def wanted_of(model: Model, *, only_marked: bool) -> Iterator[Wanted]:
    """Return the fields of *model* that are secrets and that nobody has given, and those of the models in it.

    Args:
        model: Where to look.
        only_marked: Whether a secret type alone is not enough.

    Raises:
        SettingsError: A field can be filled only through a path into something else, or a model has a reference.
    """
    for field_name, info in fields_of(model.kind).items():
        mark = mark_of(info)
        arms = arms_of(info)
        models = [arm for arm in arms if is_model(arm)]
        is_marked = model.is_marked or mark is not None
        if not (models or is_marked or (not only_marked and any(arm in _SECRET_TYPES for arm in arms))):
            continue
        keys, holders = keys_of(field_name, info, config_of(model.kind))
        key = next((each for each in keys if each in model.given), keys[0] if keys else "")
        given = model.given.get(key, _NOT_GIVEN)
        if given is _NOT_GIVEN and any(each in model.given for each in holders):
            continue
        wanted = Wanted(
            name=model.prefix + field_name if mark is None or mark.name is None else mark.name,
            field=info,
            label=model.label + field_name,
            path=(*model.path, key),
            is_required=model.is_required and (info.is_required() or given is not _NOT_GIVEN),
        )
        if models:
            nested = _nested(wanted, models, given, model, is_marked=is_marked)
            if nested is not None:
                yield from wanted_of(nested, only_marked=only_marked)
        elif given is _NOT_GIVEN:
            if not all(wanted.path):
                raise SettingsError(
                    f"the field {wanted.label!r} has only an AliasPath: give it a plain alias too, or populate_by_name"
                )
            yield wanted


def _nested(
    wanted: Wanted, models: list[type[Any]], given: Any, outer: Model, *, is_marked: bool
) -> Model | None:
    """Return the model in the field *wanted*, or `None` if it is given as a whole or cannot be told."""
    part = {} if given is _NOT_GIVEN else given
    around = (*outer.around, outer.kind)
    kind = chosen(models, wanted.field, part) if isinstance(part, Mapping) else None
    if kind is None or kind in around:
        return None
    if is_marked and "://" in wanted.name:
        raise SettingsError(
            f"the field {wanted.label!r} is a model: give FromSecret the name of its document, not a reference"
        )
    return Model(
        kind,
        part,
        prefix=f"{wanted.name}/",
        label=f"{wanted.label}.",
        path=wanted.path,
        is_required=wanted.is_required,
        is_marked=is_marked,
        around=around,
    )
