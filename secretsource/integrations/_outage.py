"""What a web application does with an outage, whatever its framework: it logs it, and asks the client to wait."""

from __future__ import annotations

import logging
import math

__all__ = ["log_outage"]

_log = logging.getLogger("secretsource")


def log_outage(error: Exception) -> int | None:
    """Log *error*, which the client is not shown, and return the seconds after which it may try again, if known."""
    _log.error("answered 503: %s: %s", type(error).__name__, error)
    seconds: float | None = getattr(error, "retry_after", None)
    return None if seconds is None or not math.isfinite(seconds) else max(0, math.ceil(seconds))
