"""Start PostgreSQL, and change its password while coroutines open new connections all the time.

pip install -r examples/asyncpg/requirements.txt
python -m examples.asyncpg
"""

import asyncio
import os
import tempfile

from examples.asyncpg.orders import Orders
from examples.asyncpg.server import Server, write_secret

WORKERS = 4


def main() -> None:
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        server = Server()
        write_secret(server.password)
        try:
            asyncio.run(run(server))
        finally:
            server.stop()
            os.chdir(before)
    print("done")


async def run(server: Server) -> None:
    stop = asyncio.Event()
    async with Orders(server.port) as orders:
        working = [asyncio.create_task(count(orders, stop)) for _ in range(WORKERS)]
        for number in (1, 2):
            await asyncio.sleep(0.5)
            # As in life: the database has it first, and the secret comes a moment later.
            password = await asyncio.to_thread(server.change_password)
            await asyncio.sleep(0.3)
            write_secret(password)
            await asyncio.sleep(1)
            print("change", number, "of the password")
        stop.set()
        made = sum(await asyncio.gather(*working))
    if not made:
        raise SystemExit("no request was made")
    print("failed requests: 0")


async def count(orders: Orders, stop: asyncio.Event) -> int:
    """Make requests, and let any that fails end the program."""
    made = 0
    while not stop.is_set():
        await orders.who()
        made += 1
        await asyncio.sleep(0.02)
    return made


if __name__ == "__main__":
    main()
