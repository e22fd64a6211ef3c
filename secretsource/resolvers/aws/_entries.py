"""From an answer of BatchGetSecretValue to what it says of each secret."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from secretsource._secret import Document, NotThere
from secretsource.errors import Reason, ResolverError, resolver_error
from secretsource.resolvers import Location
from secretsource.resolvers._aws._errors import explained
from secretsource.resolvers.aws._document import document_of
from secretsource.resolvers.aws._service import SERVICE

__all__ = ["OPERATION", "answers_of"]

OPERATION = "BatchGetSecretValue"


def answers_of(
    answer: Mapping[str, object], batch: Sequence[Location], max_bytes: int
) -> dict[str, Document | NotThere | ResolverError]:
    """Return what is said of each secret, by its address; nothing of one that is better read by itself.

    That is one that the answer leaves out, names twice, contradicts itself about or gives no value for, and one that
    AWS had trouble with, which is worth another request.

    Args:
        answer: What ``batch_get_secret_value`` returned.
        batch: What was asked for, all by name or all by ARN.
        max_bytes: The most bytes that a value may have.
    """
    values, errors = (_items(answer, member) for member in ("SecretValues", "Errors"))
    known_by = "ARN" if batch[0].address.startswith("arn:") else "Name"
    times = Counter([each.get(known_by) for each in values] + [each.get("SecretId") for each in errors])
    places = {each.address: each for each in batch if times[each.address] == 1}
    found: dict[str, Document | NotThere | ResolverError] = {}
    for each in values:
        place = places.get(str(each.get(known_by)))
        document = document_of(each, max_bytes) if place is not None else None
        if place is not None and isinstance(document, Document):
            found[place.address] = document
    for each in errors:
        place = places.get(str(each.get("SecretId")))
        said = _meaning(each, answer, place) if place is not None else None
        if place is not None and said is not None:
            found[place.address] = said
    return found


def _items(answer: Mapping[str, object], member: str) -> list[Mapping[str, object]]:
    items = answer.get(member)
    return [each for each in items if isinstance(each, Mapping)] if isinstance(items, list) else []


def _meaning(
    error: Mapping[str, object], answer: Mapping[str, object], location: Location
) -> NotThere | ResolverError | None:
    """Return what the error of one secret means, read as the refusal of a single read would be."""
    from botocore.exceptions import ClientError

    response = {
        "Error": {"Code": str(error.get("ErrorCode", "")), "Message": str(error.get("Message", ""))},
        "ResponseMetadata": answer.get("ResponseMetadata", {}),
    }
    refusal = ClientError(response, "GetSecretValue")  # type: ignore[arg-type]  # as AWS sends it
    said = explained(refusal, SERVICE, location, None)
    if isinstance(said, NotThere):
        return said
    if said.reason is Reason.DENIED and not said.login:
        return resolver_error(said.reason, said.detail)
    return None
