"""Airflow as it starts itself: with the backend from its configuration, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

__all__ = ["BACKEND", "said_by"]

BACKEND = "secretsource.integrations.airflow.SecretSourceBackend"
_START = """
import json
from airflow.configuration import conf
try:
    from airflow.sdk import BaseHook, Variable
except ImportError:  # Airflow 2
    from airflow.hooks.base import BaseHook
    from airflow.models import Variable
try:
    from airflow.sdk._shared.secrets_masker import redact
except ImportError:
    from airflow.utils.log.secrets_masker import redact

def told(function, *args):
    try:
        return function(*args)
    except Exception as error:
        return [type(error).__name__, str(error)]

said = {}
"""
_END = """
print("SAID", json.dumps(said, default=str))
"""


def said_by(
    code: str, home: Path, environ: dict[str, str], **settings: object
) -> tuple[dict[str, object], str]:
    """Run *code* in Airflow; return what it has put into ``said``, and what was logged.

    Args:
        code: Python, in which ``BaseHook``, ``Variable``, ``conf``, ``redact`` and ``told`` are there.
        home: Airflow's own folder.
        environ: Variables besides.
        **settings: The backend's.
    """
    variables = {
        "PATH": os.environ["PATH"],
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__SECRETS__BACKEND": BACKEND,
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps(settings),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", _START + code + _END],
        cwd=home,
        env=variables | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, done.stderr[-3000:]
    [line] = [each for each in done.stdout.splitlines() if each.startswith("SAID ")]
    rest = done.stdout.replace(line, "")
    return json.loads(line.removeprefix("SAID ")), rest + done.stderr
