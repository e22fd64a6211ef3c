"""A stand-in for a Conjur server, for where none can be installed."""

from .server import ConjurServer

__all__ = ["ConjurServer"]
