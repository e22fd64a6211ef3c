"""The application: it asks its database. The password is the secret ``db/primary/password``."""

from secretsource.integrations.psycopg_pool import ConnectionPool


class Orders:
    def __init__(self, port: int) -> None:
        self._pool = ConnectionPool(
            f"host=127.0.0.1 port={port} dbname=postgres user=shop",
            password="db/primary/password",
            min_size=1,
            max_lifetime=0.2,  # seconds, so that there are new connections all the time
            open=True,
        )

    def who(self) -> str:
        with self._pool.connection() as connection:
            row = connection.execute("SELECT current_user").fetchone()
            return str(row and row[0])

    def close(self) -> None:
        self._pool.close()
