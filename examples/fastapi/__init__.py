"""A FastAPI application that takes webhooks, and checks their signatures with a key that may change.

`examples.starlette` does without FastAPI, and uses ``secretsource.integrations.starlette``.
"""
