"""Reads in the processes of a `multiprocessing` pool and of a `ProcessPoolExecutor`, after a read of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor

from secretsource import default_store, get_secret
from tests.process.programs._shown import shown

warnings.filterwarnings("ignore", message=".*multi-threaded.*fork", category=DeprecationWarning)


def look(name: str) -> tuple[str, str, int]:
    return name, shown(get_secret(name)) + shown(get_secret(name, refresh=True)), os.getpid()


def take(given: object) -> None:
    """Do nothing with what was given."""


def main() -> None:
    told = json.load(sys.stdin)
    names: list[str] = told["names"]
    context = multiprocessing.get_context(told["method"])
    get_secret(names[0])
    with context.Pool(4) as pool:
        said = pool.map(look, names * 4, chunksize=1)
        pool.close()
        pool.join()
    with ProcessPoolExecutor(4, mp_context=context) as executor:
        said += executor.map(look, names * 4)
        try:
            executor.submit(take, default_store()).result(20)
            refused = ""
        except TypeError as error:
            refused = str(error)
    get_secret(names[0], refresh=True)
    json.dump({"said": said, "refused": refused, "parent": os.getpid()}, sys.stdout)


if __name__ == "__main__":
    main()
