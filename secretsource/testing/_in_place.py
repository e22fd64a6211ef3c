"""What stands in the place of the backends while an override is active: values in memory, for every name."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from secretsource._places import Places, References
from secretsource._resolved import are_same
from secretsource._store import Store
from secretsource.errors import SecretSourceError
from secretsource.testing._held import Written
from secretsource.testing._isolation import IsolationError
from secretsource.testing._memory import MemoryResolver, Values

if TYPE_CHECKING:
    from secretsource._chain import Link
    from secretsource._reference import Reference
    from secretsource._rotation import Callback
    from secretsource._secret import Secret
    from secretsource.resolvers import Answer, Deadline, Location

__all__ = ["OverrideStore", "Overrides"]

_TOLD_WITHIN = 10.0  # seconds, after which a callback has failed the test


class Overrides(MemoryResolver):
    """What answers every name and every reference while an `override` is active. Call it to add values."""

    def __init__(self) -> None:
        """Start without values."""
        super().__init__(name="override")
        self._store: OverrideStore | None = None
        self._lock = threading.Lock()
        self._rotations: dict[str, _Rotation] = {}
        self._has_ended = False

    def __call__(self, values: Values) -> None:
        """Put *values*, by name or reference, beside those that are there."""
        for name, value in values.items():
            self.put(name, value)

    def rotate(self, name: str, value: Written, *, after: int = 0) -> None:
        """Let *name* have another value, as a rotation does: a new version of its document.

        Whoever watches the name with `on_rotation` since the override began has been told when the call returns.

        Args:
            name: A name or a reference.
            value: Text or bytes; or a mapping, with a name of a whole document, for all its fields in one step.
            after: How many reads of the document, 0 or more, get the old value still. With 1, code that is refused
                finds the new value with its second attempt. Who watches is told by the first read that gets the new
                value, and not waited for.

        Raises:
            ValueError: *after* is less than 0.
            TimeoutError: A callback of `on_rotation` has not returned within 10 s.
        """
        if after < 0:
            raise ValueError(f"after must be a number of reads, 0 or more, not {after!r}")
        address = self.locate(name, document=not isinstance(value, str | bytes)).address
        with self._lock:
            self._rotations.pop(address, None)
            if after:
                self._rotations[address] = _Rotation(name, value, after)
                return
        tellings = [] if self._store is None else self._store.tellings(address)
        self.put(name, value)
        for telling in tellings:
            telling.wait()

    def fetch(self, location: Location, deadline: Deadline) -> Answer:
        """Answer as the test has arranged.

        Raises:
            IsolationError: The override has ended.
        """
        if self._has_ended:
            raise IsolationError(
                "this store belongs to an override that has ended; it was kept, as the result of default_store() in a "
                "module or an object: call that at each use"
            )
        with self._lock:
            rotation = self._rotations.get(location.address)
            # The store itself looks after the names that are watched, whenever it likes: that is no read of the test's.
            is_own = self._store is not None and self._store.is_watching_here()
            if rotation is not None and not is_own and rotation.is_due():
                del self._rotations[location.address]
                self.put(rotation.name, rotation.value)
        return super().fetch(location, deadline)

    @property
    def local(self) -> bool:
        """Whether readers ask it in their own thread: unless it is slow, where deadlines have to hold."""
        return self._gate is None and not self.delay

    def _address(self, reference: Reference, text: str) -> str:  # noqa: ARG002
        return f"{reference.scheme}://{reference.path}"

    def _adopt(self, other: MemoryResolver) -> None:
        super()._adopt(other)
        if isinstance(other, Overrides):
            with other._lock:
                self._rotations = {
                    address: _Rotation(each.name, each.value, each.left)
                    for address, each in other._rotations.items()
                }

    def _end(self) -> None:
        self._has_ended = True


class _Rotation:
    """A new value that some reads do not get yet."""

    def __init__(self, name: str, value: Written, left: int) -> None:
        self.name = name
        self.value = value
        self.left = left

    def is_due(self) -> bool:
        """Whether this read gets it; to be asked once by each."""
        self.left -= 1
        return self.left < 0


class _Places(Places):
    """Places where references to any resolver are asked of the only link."""

    def _named(self, reference: str) -> Link:  # noqa: ARG002
        return self.chain[0]


class OverrideStore(Store):
    """The store of an override.

    Args:
        overrides: What answers.
        references: As in `Store`.
    """

    _places_type = _Places

    def __init__(self, overrides: Overrides, *, references: References) -> None:
        # Nothing is kept, so that what a test changes counts from the next read.
        super().__init__([overrides], ttl=0, max_stale=0, negative_ttl=0, references=references)
        self.overrides = overrides
        self._watched: set[str] = set()
        overrides._store = self

    def on_rotation(self, name: str, callback: Callback) -> Callable[[], None]:
        """Do as `Store.on_rotation`, and remember the name."""
        stop = super().on_rotation(name, callback)
        self._watched.add(name)
        return stop

    def is_watching_here(self) -> bool:
        """Whether this thread is the one that looks after the watched names."""
        return threading.get_ident() in self._rotations._ours

    def tellings(self, address: str) -> list[_Telling]:
        """Return one for each watched name whose document is at *address*, and which has a value."""
        there = [name for name in self._watched if self.overrides.locate(name).address == address]
        return [_Telling(self, name, secret) for name in there if (secret := _read(self, name)) is not None]


class _Telling:
    """Waits until every callback of a name has been told of the change that comes next."""

    def __init__(self, store: OverrideStore, name: str, before: Secret) -> None:
        self._store = store
        self._name = name
        self._before = before
        self._told = threading.Event()
        # The last one that is added is the last one that is told.
        self._stop = Store.on_rotation(store, name, lambda old, new: self._told.set())  # noqa: ARG005

    def wait(self) -> None:
        """Read the name, so that the change is noticed, and wait for the callbacks."""
        try:
            after = _read(self._store, self._name)
            if after is None or are_same(self._before, after) or self._told.wait(_TOLD_WITHIN):
                return
        finally:
            self._stop()
        raise TimeoutError(
            f"a callback of on_rotation for {self._name!r} has not returned in {_TOLD_WITHIN} s"
        )


def _read(store: Store, name: str) -> Secret | None:
    try:
        return store.get(name)
    except SecretSourceError:
        return None
