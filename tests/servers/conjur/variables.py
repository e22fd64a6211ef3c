"""The values of a variable and their versions."""

from dataclasses import dataclass, field

KEPT_VERSIONS = 20


@dataclass(frozen=True, slots=True)
class Version:
    """One value that was set."""

    number: int
    value: bytes = field(repr=False)


@dataclass(slots=True)
class Versions:
    """The last values of a variable, oldest first."""

    kept: list[Version] = field(default_factory=list)

    def set(self, value: bytes) -> None:
        """Make *value* the newest; the value that is already there makes no new version."""
        newest = self.kept[-1] if self.kept else Version(0, b"")
        if newest.value != value:
            self.kept.append(Version(newest.number + 1, value))
            del self.kept[:-KEPT_VERSIONS]

    def get(self, number: int | None = None) -> bytes | None:
        """Return the value of version *number*, or the newest; nothing when it is not kept."""
        if number is None:
            return self.kept[-1].value if self.kept else None
        return next((version.value for version in self.kept if version.number == number), None)

    def describe(self) -> list[dict[str, int | None]]:
        """List the versions as a resource's description does."""
        return [{"version": version.number, "expires_at": None} for version in self.kept]
