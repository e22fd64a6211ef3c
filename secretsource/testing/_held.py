"""What a backend in memory holds, and how a test told it to answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from secretsource._fork import reset_in_child
from secretsource.errors import ResolverError, WriteConflict
from secretsource.resolvers import Document, Location
from secretsource.testing._versions import Versions

__all__ = ["Held", "Written"]

Written: TypeAlias = "str | bytes | Mapping[str, str | bytes]"
"""A value, or all fields of a document."""

_Key: TypeAlias = "tuple[str, str | None, str | None]"


class Held:
    """Documents with their versions, leases, scripted answers and failures. Threads and forks may share it."""

    def __init__(self) -> None:
        self._documents: dict[_Key, Versions] = {}
        self._failures: dict[str | None, ResolverError] = {}
        self._scripts: dict[_Key, list[object]] = {}
        self._leases: dict[_Key, float] = {}
        self._renew_lock()
        reset_in_child(self._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self._documents)

    # Answering

    def answer(self, where: Location) -> object:
        """Return what a fetch is answered with, or an exception that is to be raised."""
        with self._lock:
            if (failure := self._failure(where.address)) is not None:
                return failure
            if (script := self._scripts.get(_key(where))) is not None:
                return script.pop(0) if len(script) > 1 else script[0]
            exact = self._documents.get(_key(where))
            if exact is not None or where.version is None:
                return exact and exact.answer()
            current = self._documents.get((where.address, None, where.stage))
            return current and current.answer(where.version)

    def failure(self, address: str | None) -> ResolverError | None:
        """Return the failure of the document at *address*, an error of its own each time; `None` if there is none."""
        with self._lock:
            return self._failure(address)

    def lease(self, where: Location) -> float | None:
        """Return the seconds for which the lease of a document goes on, if it does."""
        with self._lock:
            return self._leases.get(_key(where))

    # Writing

    def keep(self, where: Location, value: Written, lease: float | None) -> Document:
        """Let a field, or a document, have *value*; return the new version."""
        with self._lock:
            return self._keep(where, value, lease)

    def replace(self, where: Location, value: Written, expected: str | None) -> Document:
        """Do as `keep`, unless writing fails, or another version is there than the expected one.

        Raises:
            ResolverError: It is to fail.
            WriteConflict: *expected* is not the current version.
        """
        with self._lock:
            failure, current = self._failure(where.address), self._versions(where).answer()
            version = current.version if isinstance(current, Document) else None
            if failure is None and expected in {None, version}:
                return self._keep(where, value, None)
        raise failure or WriteConflict(f"the current version is {version or 'none'}")

    def remove(self, where: Location) -> None:
        """Delete a field, or the whole document; a script for it ends."""
        with self._lock:
            self._versions(where).remove(where.field)
            self._scripts.pop(_key(where), None)

    # Arranging

    def fail(self, address: str | None, failure: ResolverError) -> None:
        """Let the document at *address*, or every one, fail."""
        with self._lock:
            self._failures[address] = failure

    def script(self, where: Location, answers: Sequence[object]) -> None:
        """Let the answers to come be these; a text or bytes is a new version."""
        with self._lock:
            versions = self._versions(where)
            self._scripts[_key(where)] = [
                versions.new(where.field, answer) if isinstance(answer, str | bytes) else answer
                for answer in answers
            ]

    def prolong(self, where: Location, seconds: float | None) -> None:
        """Let the lease of a document go on for so many seconds; `None`: no more."""
        with self._lock:
            self._leases.pop(_key(where), None)
            if seconds is not None:
                self._leases[_key(where)] = seconds

    def recover(self, where: Location | None) -> None:
        """End failures and scripts of a document, or of all."""
        with self._lock:
            if where is None:
                self._failures.clear()
                self._scripts.clear()
                return
            self._failures.pop(where.address, None)
            self._scripts.pop(_key(where), None)

    def adopt(self, other: Held) -> None:
        """Take over what *other* holds and how it answers."""
        with other._lock:
            self._documents = {key: versions.copy() for key, versions in other._documents.items()}
            self._failures = dict(other._failures)
            self._scripts = {key: list(script) for key, script in other._scripts.items()}
            self._leases = dict(other._leases)

    # With the lock held

    def _failure(self, address: str | None) -> ResolverError | None:
        failure = self._failures.get(address) or self._failures.get(None)
        return None if failure is None else failure.copy()

    def _versions(self, where: Location) -> Versions:
        return self._documents.setdefault(_key(where), Versions(where.version))

    def _keep(self, where: Location, value: Written, lease: float | None) -> Document:
        versions = self._versions(where)
        document = versions.new(where.field, value, lease)
        versions.keep(document)
        self._scripts.pop(_key(where), None)
        return document


def _key(where: Location) -> _Key:
    return (where.address, where.version, where.stage)
