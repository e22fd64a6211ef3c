"""moto's server, which here follows a move of AWSCURRENT as AWS does; its own keeps on answering the old version."""

from __future__ import annotations

import sys
import threading
from typing import Any

from moto.secretsmanager.models import SecretsManagerBackend
from moto.server import main

_moved = SecretsManagerBackend.update_secret_version_stage
_one_at_a_time = threading.Lock()


def _follow(self: Any, **asked: str) -> tuple[str, str]:
    with _one_at_a_time:
        said = _moved(self, **asked)
        if asked["version_stage"] == "AWSCURRENT" and asked["move_to_version_id"]:
            self.secrets[asked["secret_id"]].set_default_version_id(asked["move_to_version_id"])
    return said


if __name__ == "__main__":
    SecretsManagerBackend.update_secret_version_stage = _follow  # type: ignore[method-assign]
    main(sys.argv[1:])
