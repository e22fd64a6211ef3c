"""Start Redis, and change its password while threads and coroutines count in it.

pip install -r examples/redis/requirements.txt
python -m examples.redis
"""

import asyncio
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Timer

from examples.redis.counter import AsyncCounter, Counter
from examples.redis.server import Server, write_secret

THREADS = COROUTINES = 4


def main() -> None:
    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        server = Server(Path(folder))
        write_secret(server.password)
        try:
            run(server)
        finally:
            server.stop()
            os.chdir(before)
    print("done")


def run(server: Server) -> None:
    stop = Event()
    with ThreadPoolExecutor(THREADS + 1) as pool:
        visits = [pool.submit(in_a_thread, server.port, stop) for _ in range(THREADS)]
        visits.append(pool.submit(asyncio.run, in_coroutines(server.port, stop)))
        for number in (1, 2):
            time.sleep(0.5)
            # As in life: the server has it first, all connections are closed, and the secret comes half a second later.
            Timer(0.5, write_secret, [server.change_password()]).start()
            time.sleep(1)
            print("change", number, "of the password")
        stop.set()
        made = sum(each.result(20) for each in visits)
    counter = Counter(server.port)
    counted = counter.visit() - 1
    print("visits that were lost:", max(0, made - counted))
    counter.close()


def in_a_thread(port: int, stop: Event) -> int:
    counter, made = Counter(port), 0
    while not stop.is_set():
        counter.visit()
        made += 1
        time.sleep(0.001)
    counter.close()
    return made


async def in_coroutines(port: int, stop: Event) -> int:
    counter = AsyncCounter(port)

    async def visit() -> int:
        made = 0
        while not stop.is_set():
            await counter.visit()
            made += 1
            await asyncio.sleep(0.001)
        return made

    made = sum(await asyncio.gather(*(visit() for _ in range(COROUTINES))))
    await counter.close()
    return made


if __name__ == "__main__":
    main()
