"""The application: a task, and where Redis is. Its password is the secret ``redis/password``."""

import os

from celery import Celery

from secretsource.integrations.celery import use_secrets

REDIS = os.environ.get("REDIS", "redis://localhost:6379")

app = Celery("shop", broker=f"{REDIS}/0", backend=f"{REDIS}/1")
app.conf.task_acks_late = True  # a task whose worker dies is done by another one
use_secrets(app, broker="redis/password", result_backend="redis/password")


@app.task(name="bill")
def bill(order: int) -> str:
    return f"bill for order {order}"
