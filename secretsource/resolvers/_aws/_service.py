"""What differs between the services of AWS: their names, their operations, and the words they refuse with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from secretsource._secret import NotThere
from secretsource.errors import Reason
from secretsource.resolvers._aws._codes import CODES
from secretsource.resolvers._aws._failure import Meaning
from secretsource.resolvers._location import Location

__all__ = ["Service"]


def _nothing_more(code: str, words: str, location: Location) -> NotThere | None:  # noqa: ARG001 - a hook
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A service, as far as errors are concerned.

    Attributes:
        name: What botocore and policies call it, such as ``secretsmanager``.
        thing: What it keeps, for messages: ``secret``.
        reads: The operations that read. A refusal of an operation that is neither here nor in *writes* is about the
            credentials: boto3 makes calls of its own to get them.
        writes: The operations that write.
        codes: What its error codes mean: `CODES`, and its own.
        not_there: Told code, message and location of an answer that may be "not there": says so, or `None`. Codes whose
            meaning has the reason ``missing`` are "not there" without it. It is asked only where the status is one that
            AWS says such a thing with.
    """

    name: str
    thing: str
    reads: frozenset[str]
    writes: frozenset[str] = frozenset()
    codes: Mapping[str, Meaning] = field(default_factory=lambda: CODES)
    not_there: Callable[[str, str, Location], NotThere | None] = _nothing_more

    def is_missing(self, code: str, words: str, location: Location) -> NotThere | None:
        """Return the "not there" that an error code stands for, or `None`."""
        said = self.not_there(code, words, location)
        if said is None and (meaning := self.codes.get(code)) and meaning.reason is Reason.MISSING:
            return NotThere(Reason.MISSING)
        return said

    def advice(self, advice: str, operation: str, shown_name: str) -> str:
        """Fill in an advice of the tables.

        Args:
            advice: It may have ``{right}``, the right that *operation* needs, ``{key_right}``, what it needs of a key
                of KMS, and ``{thing}``.
            operation: What was asked, such as ``GetSecretValue``.
            shown_name: Whose secret or parameter it is, as messages show it.
        """
        key_right = "kms:GenerateDataKey and kms:Decrypt" if operation in self.writes else "kms:Decrypt"
        thing = f"the {self.thing} {shown_name}" if shown_name else f"the {self.thing}"
        return advice.format(right=f"{self.name}:{operation}", key_right=key_right, thing=thing)
