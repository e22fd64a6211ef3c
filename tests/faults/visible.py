"""All that somebody could see of a failure: logs, tracebacks with local variables, an error tracker, a pickle."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import rich.traceback
import sentry_sdk
import sentry_sdk.transport

__all__ = ["logged", "shown", "unheard"]


@contextmanager
def logged() -> Iterator[list[logging.LogRecord]]:
    """Collect what any logger says, from DEBUG on."""
    records: list[logging.LogRecord] = []

    class Collecting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            records.append(record)

    handler, root = Collecting(logging.DEBUG), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        yield records
    finally:
        root.removeHandler(handler)
        root.setLevel(level)


@contextmanager
def unheard() -> Iterator[None]:
    """Log nothing of what prepares a cell: boto3, left to itself, logs what it writes."""
    logging.disable()
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def shown(error: BaseException | None, records: list[logging.LogRecord]) -> list[str]:
    """Return everything visible of *error* and of what was logged."""
    formatter = logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s")
    texts = [formatter.format(record) + repr(vars(record)) for record in records]
    errors = [] if error is None else _whole_chain(error)
    for each in errors:
        texts += [str(each), repr(each), f"{each}", repr(vars(each)), repr(each.args)]
        texts += [repr(getattr(each, "__notes__", ())), _pickled(each)]
    if error is not None:
        texts += [_with_locals(error), _as_rich(error), _as_sentry(error)]
    return texts


def _whole_chain(error: BaseException) -> list[BaseException]:
    found, left = [], [error]
    while left:
        each = left.pop()
        found.append(each)
        left += [
            other for other in (each.__cause__, each.__context__) if other is not None and other not in found
        ]
    return found


def _pickled(error: BaseException) -> str:
    try:
        return pickle.dumps(error).decode("latin-1")
    except Exception as refused:  # noqa: BLE001 - it may refuse
        return str(refused)


def _with_locals(error: BaseException) -> str:
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())


def _as_rich(error: BaseException) -> str:
    """Return all that rich takes of it, before it is coloured and framed, which takes long."""
    return repr(
        rich.traceback.Traceback.extract(
            type(error),
            error,
            error.__traceback__,
            show_locals=True,
            locals_max_length=None,
            locals_max_string=None,
        )
    )


class _Transport(sentry_sdk.transport.Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.sent.append(envelope.serialize().decode("utf-8", "replace"))


def _as_sentry(error: BaseException) -> str:
    """Return the event that sentry-sdk makes of it with its defaults; only its hooks into the process are left out."""
    transport = _Transport()
    client = sentry_sdk.Client(
        dsn="http://key@127.0.0.1:1/1", transport=transport, default_integrations=False
    )
    with sentry_sdk.isolation_scope() as scope:
        scope.set_client(client)
        scope.capture_exception(error)
    client.close(timeout=0)
    assert transport.sent, "the error tracker was told of nothing"
    return json.dumps(transport.sent)
