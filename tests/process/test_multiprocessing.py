"""`multiprocessing` and `concurrent.futures`, with each way to start a process."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.process import backends
from tests.process.programs._shown import shown
from tests.process.run import run_program


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_the_functions_read_right_in_each_process_and_a_store_is_not_handed_over(
    method: str, tmp_path: Path
) -> None:
    with backends.conjur(tmp_path) as backend:
        told = {"names": list(backend.values), "method": method}
        said = run_program("pools", backend.environ, told, seconds=60)

    expected = {name: 2 * shown(value) for name, value in backend.values.items()}
    assert 8 * len(expected) == len(said["said"])
    assert expected == {name: seen for name, seen, _ in said["said"]}
    assert {expected[name] for name in expected} == {seen for _, seen, _ in said["said"]}
    assert said["parent"] not in {process for _, _, process in said["said"]}
    assert said["refused"].startswith("a Store is not pickled")
