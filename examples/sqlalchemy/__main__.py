"""Start PostgreSQL, and change its password while threads open new connections all the time.

pip install -r examples/sqlalchemy/requirements.txt
python -m examples.sqlalchemy
"""

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from examples.sqlalchemy.orders import Orders
from examples.sqlalchemy.server import Server, write_secret

WORKERS = 4


def main() -> None:
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        server = Server()
        write_secret(server.password)
        try:
            run(server)
        finally:
            server.stop()
            os.chdir(before)
    print("done")


def run(server: Server) -> None:
    stop, orders = Event(), Orders(server.port)
    with ThreadPoolExecutor(WORKERS) as pool:
        working = [pool.submit(count, orders, stop) for _ in range(WORKERS)]
        for number in (1, 2):
            time.sleep(0.5)
            # As in life: the database has it first, and the secret comes a moment later.
            password = server.change_password()
            time.sleep(0.3)
            write_secret(password)
            time.sleep(1)
            print("change", number, "of the password")
        stop.set()
        made = sum(each.result(20) for each in working)
    orders.close()
    if not made:
        raise SystemExit("no request was made")
    print("failed requests: 0")


def count(orders: Orders, stop: Event) -> int:
    """Make requests, and let any that fails end the program."""
    made = 0
    while not stop.is_set():
        orders.who()
        made += 1
        time.sleep(0.02)
    return made


if __name__ == "__main__":
    main()
