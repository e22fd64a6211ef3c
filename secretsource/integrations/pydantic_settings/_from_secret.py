"""The mark of a field that is a secret."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError, core_schema

from secretsource import MaskedBytes, MaskedStr, SecretHandle, secret
from secretsource.integrations.pydantic_settings._values import MASK, hidden, masked, texts_of, unpacked

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import ErrorDetails

__all__ = ["FromSecret"]


class FromSecret:
    """Marks a field of a settings class as a secret: ``api_key: Annotated[SecretStr, FromSecret("pepipost/api_key")]``.

    The type may be any that pydantic takes, and beside them `MaskedStr`, `MaskedBytes`, and `SecretHandle` for a field
    that is called to read the value of now. Text stays text, but masked: `str` gives a `MaskedStr`, and no error,
    ``repr`` or JSON of the settings shows it. On a nested model it fills each of its fields; the name is the one of the
    document. Such a field shows its value, unless its type is one that masks, such as `SecretStr`.

    Args:
        name: The name, or, on anything but a nested model, the reference. `None` for the name that is made of the name
            of the field and the ``prefix`` of the `SecretSource`, which is not put before a name that is given here.

    Raises:
        InvalidReference: The name breaks the grammar.
    """

    __slots__ = ("name",)

    def __init__(self, name: str | None = None) -> None:
        self.name = None if name is None else secret(name).name

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        """Validate as the type says, and let no error show the value. pydantic calls it."""
        own = _OWN.get(source)
        return core_schema.no_info_wrap_validator_function(
            _validated,
            handler(_with_own(source)) if own is None else own(),
            serialization=core_schema.wrap_serializer_function_ser_schema(_serialized, when_used="json"),
        )

    def __repr__(self) -> str:
        """Return the name."""
        return f"FromSecret({'' if self.name is None else repr(self.name)})"

    def __eq__(self, other: object) -> bool:
        """Whether *other* marks with the same name."""
        return isinstance(other, FromSecret) and self.name == other.name

    def __hash__(self) -> int:
        """Return the hash of the name."""
        return hash((FromSecret, self.name))


def _validated(value: Any, handler: core_schema.ValidatorFunctionWrapHandler) -> Any:
    plain = unpacked(value)
    try:
        return masked(handler(plain))
    except ValidationError as error:
        title, problems = error.title, error.errors(include_url=False, include_context=False)
    # Raised here: what pydantic has raised holds the value, and so would the context of this one.
    raise ValidationError.from_exception_data(title, _without_value(problems, plain))


def _without_value(problems: list[ErrorDetails], value: Any) -> list[InitErrorDetails]:
    """Return what is wrong, with a mask as the input, and not in the words of a validator that has put it into them."""
    texts = {text for text in texts_of(value) if text}
    details = []
    for each in problems:
        kind, message = each["type"], each["msg"]
        if any(text in message for text in texts):
            message = f"The value is not valid ({kind}), and the message is not shown, as it holds the value"
        details.append(InitErrorDetails(type=PydanticCustomError(kind, message), loc=each["loc"], input=MASK))
    return details


def _serialized(value: Any, handler: core_schema.SerializerFunctionWrapHandler) -> Any:
    return handler(hidden(value))


# The types of ours that pydantic does not know.


def _handle_schema() -> core_schema.CoreSchema:
    return core_schema.json_or_python_schema(
        json_schema=core_schema.str_schema(),
        python_schema=core_schema.is_instance_schema(SecretHandle),
        serialization=core_schema.to_string_ser_schema(),
    )


_OWN: dict[Any, Callable[[], core_schema.CoreSchema]] = {
    MaskedStr: core_schema.str_schema,
    MaskedBytes: core_schema.bytes_schema,
    SecretHandle: _handle_schema,
}


def _with_own(source: Any) -> Any:
    """Return the union *source* with ours marked one by one, as pydantic asks for each of its types."""
    if get_origin(source) not in {Union, types.UnionType}:
        return source
    return Union[tuple(Annotated[arm, FromSecret()] if arm in _OWN else arm for arm in get_args(source))]  # noqa: UP007
