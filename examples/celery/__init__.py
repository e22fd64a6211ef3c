"""A Celery application over a Redis that needs a password, which may change while the worker runs."""
