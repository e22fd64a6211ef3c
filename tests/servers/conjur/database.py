"""The database behind the stand-in, as far as a client can notice it."""


class DatabaseError(Exception):
    """A statement could not be run."""


class Database:
    """A database that can be stopped, with a pool of connections to it.

    Attributes:
        pooled_connections: how many connections the server holds; each one that broke fails once more after
            the database has come back.
    """

    def __init__(self) -> None:
        self.pooled_connections = 1
        self._down = False
        self._broken = 0

    @property
    def down(self) -> bool:
        """Whether the database is stopped."""
        return self._down

    @down.setter
    def down(self, down: bool) -> None:
        if self._down and not down:
            self._broken = self.pooled_connections
        self._down = down

    def use(self) -> None:
        """Run a statement.

        Raises:
            DatabaseError: when the database is stopped, or the pool hands out a connection that broke.
        """
        if self._down:
            raise DatabaseError
        if self._broken:
            self._broken -= 1
            raise DatabaseError
