"""Start Redis and a Celery worker, change the password of Redis while tasks are sent, and count the results.

pip install -r examples/celery/requirements.txt
python -m examples.celery
"""

import os
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from threading import Timer

from examples.celery.server import Server, write_secret

TASKS = 60
WORKER = ["--concurrency", "2", "--loglevel", "ERROR", "--without-gossip", "--without-mingle"]


def main() -> None:
    code = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        server = Server(Path(folder))
        os.environ["REDIS"] = f"redis://127.0.0.1:{server.port}"
        write_secret(server.password)
        worker = start_worker(code)
        try:
            run(server)
        finally:
            worker.terminate()
            worker.wait(20)
            server.stop()
            os.chdir(code)
    print("done")


def start_worker(code: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "celery", "--app", "examples.celery.tasks", "worker", *WORKER]
    environ = os.environ | {"PYTHONPATH": code, "C_FORCE_ROOT": "1", "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(server: Server) -> None:
    from examples.celery.tasks import app, bill  # reads where Redis is

    sent = []
    for order in range(TASKS):
        sent.append(bill.delay(order))
        time.sleep(0.02)
        if order in (TASKS // 3, 2 * TASKS // 3):
            # As in life: the server has it first, all connections are closed, and the secret comes half a second later.
            password = server.change_password()
            Timer(0.5, write_secret, [password]).start()
    results = [each.get(timeout=40) for each in sent]
    print("sent", TASKS, "tasks, changed the password 2 times")
    print("done by the worker:", len(results), "the last one:", results[-1])
    print("what the configuration shows:", app.conf.redis_backend_credential_provider.__json__())
    app.close()


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)  # Celery's own calls of redis-py
    main()
