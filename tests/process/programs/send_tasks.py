"""Sends tasks to a Celery worker and says what they returned."""

from __future__ import annotations

import json
import sys

from tests.process.programs.tasks import read


def main() -> None:
    told = json.load(sys.stdin)
    sent = [read.delay(name, refresh) for refresh in (False, True) for name in told["names"]]
    json.dump([each.get(timeout=40) for each in sent], sys.stdout)


if __name__ == "__main__":
    main()
