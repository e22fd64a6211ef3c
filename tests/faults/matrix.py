"""The whole matrix."""

from __future__ import annotations

from tests.faults.rows.answers import BROKEN, SIZES
from tests.faults.rows.crowds import CROWDS
from tests.faults.rows.foreign import FOREIGN
from tests.faults.rows.local import LOCAL
from tests.faults.rows.network import NETWORK
from tests.faults.rows.outcomes import OUTCOMES
from tests.faults.rows.processes import PROCESSES
from tests.faults.rows.redirects import REDIRECTS
from tests.faults.rows.statuses import STATUSES
from tests.faults.rows.tls import TLS

__all__ = ["MATRIX"]

MATRIX = (NETWORK, TLS, REDIRECTS, STATUSES, BROKEN, SIZES, OUTCOMES, LOCAL, CROWDS, PROCESSES, FOREIGN)
