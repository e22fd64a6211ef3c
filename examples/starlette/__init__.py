"""A Starlette application whose settings are secrets, and that asks its clients to wait in an outage."""
