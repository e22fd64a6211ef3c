"""What is read from a settings class: the types of its fields, the keys they are given under, and the marks."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import AliasChoices, AliasPath, BaseModel, RootModel
from pydantic.dataclasses import is_pydantic_dataclass

from secretsource.integrations.pydantic_settings._from_secret import FromSecret

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = ["arms_of", "chosen", "config_of", "fields_of", "is_model", "keys_of", "mark_of"]


def arms_of(field: FieldInfo) -> list[Any]:
    """Return the types of the union that *field* has, or its one type; without aliases and annotations."""
    return [arm for arm, _ in _arms_of(field.annotation)]


def _arms_of(annotation: Any) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    marks: tuple[Any, ...] = ()
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *others = get_args(annotation)
            marks += tuple(others)
        elif hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        else:
            break
    if get_origin(annotation) in {Union, types.UnionType}:
        for arm in get_args(annotation):
            for each, its in _arms_of(arm):
                yield each, its + marks
    else:
        yield annotation, marks


def mark_of(field: FieldInfo) -> FromSecret | None:
    """Return the mark of *field*, wherever in its type it stands."""
    marks = [*field.metadata, *(mark for _, its in _arms_of(field.annotation) for mark in its)]
    return next((mark for mark in marks if isinstance(mark, FromSecret)), None)


def keys_of(field_name: str, field: FieldInfo, config: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the keys that hold the whole field, the preferred one first, and those that hold it somewhere inside."""
    alias = field.validation_alias
    if alias is None or config.get("validate_by_alias") is False:
        return [field_name], []
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    keys = [each for each in choices if isinstance(each, str)]
    if config.get("validate_by_name", config.get("populate_by_name")):
        keys.append(field_name)
    return keys, [str(each.path[0]) for each in choices if isinstance(each, AliasPath)]


def chosen(models: list[type[Any]], field: FieldInfo, given: Mapping[str, Any]) -> type[Any] | None:
    """Return the model of a union: the only one, or the one whose tag is given."""
    tag_name = field.discriminator
    if len(models) == 1:
        return models[0]
    if not isinstance(tag_name, str) or tag_name not in given:
        return None
    tagged = [
        each
        for each in models
        if tag_name in (fields := fields_of(each))
        and given[tag_name] in get_args(fields[tag_name].annotation)
    ]
    return tagged[0] if tagged else None


def is_model(arm: Any) -> bool:
    return isinstance(arm, type) and (
        (issubclass(arm, BaseModel) and not issubclass(arm, RootModel)) or is_pydantic_dataclass(arm)
    )


def fields_of(kind: type[Any]) -> Mapping[str, FieldInfo]:
    fields: Mapping[str, FieldInfo] = (
        kind.model_fields if issubclass(kind, BaseModel) else kind.__pydantic_fields__
    )
    return fields


def config_of(kind: type[Any]) -> Mapping[str, Any]:
    config: Mapping[str, Any] = kind.model_config if issubclass(kind, BaseModel) else kind.__pydantic_config__
    return config
