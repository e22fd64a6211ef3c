"""What must hold over a fork, whichever backend is behind the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.process.backends import Backend
from tests.process.run import run_program

_ROUNDS, _CHILDREN, _READS = 40, 4, 10


class ForkCases:
    """Subclass it with a backend to start, and the modules that its first read imports."""

    modules: ClassVar[tuple[str, ...]]

    @staticmethod
    def start(folder: Path) -> AbstractContextManager[Backend]:
        raise NotImplementedError

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
        with cls.start(tmp_path_factory.mktemp("fork")) as backend:
            yield backend

    def test_children_and_a_busy_parent_read_right_in_each_of_40_rounds(self, backend: Backend) -> None:
        said: dict[str, Any] = run_program(
            "fork_rounds",
            backend.environ,
            {"values": backend.values, "rounds": _ROUNDS, "children": _CHILDREN, "reads": _READS},
        )
        # One more read of each child is answered by what it inherited.
        assert {"right": _ROUNDS * _CHILDREN * (_READS + 1)} == said["children"]
        assert ["right"] == list(said["parent"])
        assert {"right": len(backend.values)} == said["held"]
        assert sum(backend.reads().values()) >= _ROUNDS * _CHILDREN * _READS

    def test_no_lock_that_another_thread_holds_is_waited_for(self, backend: Backend) -> None:
        said = run_program("fork_with_locks", backend.environ, {"values": backend.values, "children": 4})
        names = len(backend.values)
        warm = names - 1
        assert {"right": 4 * (warm + names + 1 + warm)} == said["children"]
        assert {"right": names} == said["parent"]
        assert said["held"] >= 5

    def test_a_child_that_is_forked_during_the_first_import_reads(self, backend: Backend) -> None:
        for module in self.modules:
            # A half-imported module fails each time. OpenSSL's own locks, held by the thread that now makes its first
            # handshake, may catch one child or the other, which the page on processes tells; not three times.
            for _ in range(3):
                said = run_program(
                    "fork_in_import", backend.environ, {"values": backend.values, "module": module}
                )
                if "ended with -14" not in said["children"]:
                    break
            assert {"children": {"right": 4}, "parent": {"right": 1}} == said, (module, said)

    @pytest.mark.parametrize("many", [False, True])
    def test_the_first_reads_import_nothing_at_a_moment_of_a_fork(self, backend: Backend, many: bool) -> None:
        told = {"names": list(backend.values), "many": many}
        said = run_program("imports_of_reads", backend.environ, told)
        assert [] == said, said
