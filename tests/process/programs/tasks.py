"""A Celery application whose broker is a Redis; one secret is read when it is imported."""

from __future__ import annotations

import os

from celery import Celery

from secretsource import get_secret
from tests.process.programs._shown import shown

AT_IMPORT = get_secret("fork0/key")
IMPORTED_IN = os.getpid()

app = Celery("tasks", broker=os.environ["TASKS_REDIS"], backend=os.environ["TASKS_REDIS"])
app.conf.broker_connection_retry_on_startup = False
app.conf.worker_prefetch_multiplier = 1


@app.task(name="read")
def read(name: str, refresh: bool) -> dict[str, object]:
    return {
        "value": shown(get_secret(name, refresh=refresh)),
        "at_import": shown(AT_IMPORT),
        "process": os.getpid(),
        "imported_in": IMPORTED_IN,
    }
