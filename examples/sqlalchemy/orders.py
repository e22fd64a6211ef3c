"""The application: it asks its database. The password is the secret ``db/primary/password``."""

from sqlalchemy import NullPool, create_engine, text

from secretsource.integrations.sqlalchemy import use_secret


class Orders:
    def __init__(self, port: int) -> None:
        # A real application keeps its connections; this one shows how each new one logs in.
        url = f"postgresql+psycopg://shop@127.0.0.1:{port}/postgres"
        self._engine = create_engine(url, poolclass=NullPool)
        use_secret(self._engine, password="db/primary/password")

    def who(self) -> str:
        with self._engine.connect() as connection:
            return str(connection.execute(text("SELECT current_user")).scalar_one())

    def close(self) -> None:
        self._engine.dispose()
