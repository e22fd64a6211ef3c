"""The source: it asks for what no source before it has given, all in one round."""

from __future__ import annotations

import logging
from typing import Any, get_args, get_origin

from pydantic import Secret as PydanticSecret
from pydantic import SecretBytes, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsError

from secretsource import (
    MaskedBytes,
    MaskedStr,
    Secret,
    SecretHandle,
    SecretSourceError,
    Store,
    default_store,
    secret,
)
from secretsource.integrations._present import present
from secretsource.integrations.pydantic_settings._classes import arms_of
from secretsource.integrations.pydantic_settings._values import Packed, masked
from secretsource.integrations.pydantic_settings._wanted import Model, Wanted, wanted_of

__all__ = ["SecretSource"]

_logger = logging.getLogger("secretsource")


class SecretSource(PydanticBaseSettingsSource):
    """Fills fields with secrets: put it last into what ``settings_customise_sources`` returns.

    It asks for the fields that are marked with `FromSecret`, and for those of the types `SecretStr` and `SecretBytes`,
    in nested models too, unless a source before it has them: for all of them side by side. What is not there is left to
    the default of the field.

    Calling it raises what `Store.get` raises but for `SecretNotFound`, with a note that names the field, and
    `SettingsError` where a value for a list or dictionary is no JSON.

    Args:
        settings_cls: The settings class.
        store: Where the secrets are read; `None` for the process-wide store of the moment.
        prefix: What stands before names that are made of the names of fields, as it stands: ``"shop/"``. Not before a
            name in `FromSecret`.
        only_marked: Whether to ask for marked fields alone, whatever their type.
        timeout: Seconds for all secrets together; `None` for the store's.
    """

    def __init__(
        self,
        settings_cls: type[BaseSettings],
        *,
        store: Store | None = None,
        prefix: str = "",
        only_marked: bool = False,
        timeout: float | None = None,
    ) -> None:
        super().__init__(settings_cls)
        self._store = store
        self._prefix = prefix
        self._only_marked = only_marked
        self._timeout = timeout

    def __call__(self) -> dict[str, Any]:
        """Return the values by the keys of the fields; pydantic calls it."""
        whole = Model(self.settings_cls, self.current_state, self._prefix)
        wanted = list(wanted_of(whole, only_marked=self._only_marked))
        if not wanted:
            return {}
        try:
            found = present(self._where, [each.name for each in wanted], timeout=self._timeout)
        except SecretSourceError as error:
            self._add_note(error, wanted)
            raise
        values: dict[str, Any] = {}
        for each in wanted:
            said = found[each.name]
            if isinstance(said, Secret):
                _put(values, each.path, self._packed(each, said))
            elif each.is_required:
                # pydantic will say "Field required", if no later source has it; where it was looked for, only we know.
                _logger.warning("the field %r of %s: %s", each.label, self.settings_cls.__name__, said)
        return values

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the base's
        """Return nothing: fields are not asked for one by one."""
        return None, field_name, False

    def __repr__(self) -> str:
        """Return the class and the prefix."""
        return f"SecretSource({self.settings_cls.__name__}, prefix={self._prefix!r})"

    @property
    def _where(self) -> Store:
        return default_store() if self._store is None else self._store

    def _packed(self, wanted: Wanted, found: Secret) -> Any:
        """Return the value in what no error of pydantic shows."""
        arms = arms_of(wanted.field)
        if SecretHandle in arms:
            return secret(wanted.name) if self._store is None else _StoreHandle(wanted.name, self._store)
        value = _value(found)
        if SecretStr in arms and isinstance(value, MaskedStr):
            return SecretStr(value)
        if SecretBytes in arms:
            return SecretBytes(found.value_bytes)
        return Packed(self._decoded(wanted, value))

    def _decoded(self, wanted: Wanted, value: MaskedStr | MaskedBytes) -> Any:
        """Decode JSON where the environment source would; in a union with something simple it may be something else."""
        field = wanted.field
        arms = arms_of(field)
        origins = [get_origin(arm) for arm in arms]
        if any(isinstance(each, type) and issubclass(each, PydanticSecret) for each in origins):
            return value  # old versions of pydantic-settings take it for complex
        is_complex = self.field_is_complex(field)
        parts = get_args(field.annotation) if len(arms) > 1 else ()
        if not is_complex and not any(
            self.field_is_complex(FieldInfo.from_annotation(each)) for each in parts
        ):
            return value
        try:
            return masked(self.decode_complex_value(wanted.label, field, value))
        except ValueError:
            pass  # raised below: this one holds the value
        if is_complex:
            raise SettingsError(
                f"the field {wanted.label!r} of {self.settings_cls.__name__}: the value of {wanted.name!r} is no JSON"
            )
        return value

    def _add_note(self, error: SecretSourceError, wanted: list[Wanted]) -> None:
        name = getattr(error, "name", "")
        labels = [each.label for each in wanted if each.name == name or ascii(each.name) in str(error)]
        if labels:
            error.add_note(f"asked for by {self.settings_cls.__name__}: {', '.join(labels)}")


class _StoreHandle(SecretHandle):
    """A handle that reads from a store of the application's own."""

    __slots__ = ("_store",)

    def __init__(self, name: str, store: Store) -> None:
        super().__init__(name)
        self._store = store

    def __call__(self) -> MaskedStr:
        return self._store.get(self.name).value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _StoreHandle) and (self.name, self._store) == (other.name, other._store)

    def __hash__(self) -> int:
        return hash((_StoreHandle, self.name, id(self._store)))


def _value(found: Secret) -> MaskedStr | MaskedBytes:
    try:
        return found.value
    except TypeError:  # it is binary
        return found.value_bytes


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        values = values.setdefault(key, {})
    values[path[-1]] = value
