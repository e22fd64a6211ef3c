"""KV secrets engines: what their answers hold."""

from __future__ import annotations

import json
from datetime import datetime

from secretsource._secret import Document, NotThere
from secretsource.errors import Reason
from secretsource.resolvers._reply import Reply
from secretsource.resolvers.vault._errors import Number, decoded, is_missing

__all__ = ["document_of", "not_there", "texts_of"]


def not_there(reply: Reply) -> NotThere | None:
    """Return what a 404 says if it is Vault's own, or `None` if it is not: a proxy's, or a wrong route."""
    if is_missing(reply.body):
        return NotThere(Reason.MISSING)
    _, metadata = _parts(reply, 2)
    if metadata.get("destroyed") is True:
        return NotThere(Reason.DELETED, "this version is destroyed")
    return NotThere(Reason.DELETED, "this version is deleted") if metadata.get("deletion_time") else None


def document_of(reply: Reply, version: int) -> Document | None:
    """Return the document in an answer with status 200, or `None` if there is none in it.

    KV version 1 says for how long its answers hold, but lends nothing: it is advice, and without a ``lease_id``. So
    they have no lease, and the ttl decides.

    Nothing is raised from here, as the local variables show values.
    """
    fields, metadata = _parts(reply, version)
    texts = None if fields is None else texts_of(fields)
    if texts is None:
        return None
    number = metadata.get("version")
    return Document(
        fields=texts,
        version=str(number) if isinstance(number, int) else None,
        created=_moment(metadata.get("created_time")),
    )


def texts_of(fields: dict[str, object]) -> dict[str, str] | None:
    """Return the fields as text, without those that are `null`; `None` if they are nested too deep."""
    try:
        return {key: text for key, value in fields.items() if (text := _text(value)) is not None}
    except RecursionError:  # nested just deep enough to be read and not to be written
        return None


def _parts(reply: Reply, version: int) -> tuple[dict[str, object] | None, dict[str, object]]:
    """Return fields and metadata of an answer."""
    data = (decoded(reply.body) or {}).get("data")
    if not isinstance(data, dict):
        return None, {}
    if version == 1:
        return data, {}
    fields, metadata = data.get("data"), data.get("metadata")
    return fields if isinstance(fields, dict) else None, metadata if isinstance(metadata, dict) else {}


def _text(value: object) -> str | None:
    """Return a value as text: strings as they are, `null` as `None`, all else as its JSON."""
    if value is None or isinstance(value, str):
        return value
    return (
        value.text
        if isinstance(value, Number)
        else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    )


def _moment(text: object) -> datetime | None:
    try:
        return datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
