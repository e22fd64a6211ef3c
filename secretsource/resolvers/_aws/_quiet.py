"""The mark of a call of ours: botocore is kept quiet while it lasts, and its deadline can be asked for anywhere below.

At DEBUG, botocore logs the value of every secret it reads and the session token it reads it with, and its maintainers
mean it so. An application that turns DEBUG on for all loggers did not ask for that. So the loggers of botocore get one
filter, which drops what is logged inside a call of ours and lets everything else through: the application's own calls
are logged as before. No level, handler or propagation is touched.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from secretsource._deadline import Deadline

__all__ = ["current_deadline", "own_call", "quiet_loggers"]

_deadline: ContextVar[Deadline | None] = ContextVar("secretsource_aws_call", default=None)


class _NotOurs(logging.Filter):
    """Drops the records that are made inside a call of ours."""

    def filter(self, record: logging.LogRecord) -> bool:  # noqa: ARG002 - decided by who calls, not by what is said
        return _deadline.get() is None


_NOT_OURS = _NotOurs()


@contextmanager
def own_call(deadline: Deadline) -> Iterator[None]:
    """Mark what runs inside as a call of ours, with this deadline."""
    token = _deadline.set(deadline)
    try:
        yield
    finally:
        _deadline.reset(token)


def current_deadline() -> Deadline | None:
    """Return the deadline of the call of ours that runs in this context, or `None` outside of one."""
    return _deadline.get()


def quiet_loggers() -> None:
    """Put the filter on the loggers of botocore; a second time changes nothing.

    A filter works on the logger a record is made with and not on its children, so each one needs it, those of modules
    that are imported later included. A logger is named after its module.
    """
    import pkgutil

    import botocore
    import botocore.retries

    logging.getLogger("botocore").addFilter(_NOT_OURS)
    for package in (botocore, botocore.retries):
        for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
            logging.getLogger(module.name).addFilter(_NOT_OURS)
