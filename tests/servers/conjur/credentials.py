"""API keys, passwords and the directory's passwords."""

import secrets
from collections.abc import Mapping

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_KEY_LENGTH = 52


def new_key() -> str:
    """Make an API key of Conjur's form: 52 small letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_KEY_LENGTH))


def strong(password: str) -> bool:
    """Say whether Conjur would take *password*."""
    upper, lower, digits = (sum(map(test, password)) for test in (str.isupper, str.islower, str.isdigit))
    special = len(password) - sum(map(str.isalnum, password))
    return 12 <= len(password) <= 128 and upper >= 2 and lower >= 2 and digits >= 1 and special >= 1


def _same(left: str | None, right: str) -> bool:
    return left is not None and secrets.compare_digest(left.encode(), right.encode())


class Credentials:
    """What each role proves itself with."""

    def __init__(self) -> None:
        self._keys: dict[str, str] = {}
        self._passwords: dict[str, str] = {}
        self._directories: dict[str, dict[str, str]] = {}
        self._trusted: dict[str, dict[str, str]] = {}

    def key(self, role: str) -> str:
        """Return the API key of *role*."""
        return self._keys[role]

    def knows(self, role: str) -> bool:
        """Say whether *role* can log in at all."""
        return role in self._keys

    def rotate(self, role: str) -> str:
        """Give *role* a new API key and return it."""
        self._keys[role] = new_key()
        return self._keys[role]

    def forget(self, role: str) -> None:
        """Drop all that *role* could log in with."""
        self._keys.pop(role, None)
        self._passwords.pop(role, None)

    def set_password(self, role: str, password: str) -> None:
        """Let *role* log in with *password* too."""
        self._passwords[role] = password

    def set_directory(self, service: str, passwords: Mapping[str, str]) -> None:
        """Set the passwords, by login, of the LDAP directory behind *service*."""
        self._directories[service] = dict(passwords)

    def set_trusted(self, authenticator: str, logins: Mapping[str, str]) -> None:
        """Set the logins, by what proves them, that a service outside of Conjur vouches for."""
        self._trusted[authenticator] = dict(logins)

    def trusted_login(self, authenticator: str, proof: str) -> str | None:
        """Return the login that *proof* is for, if there is one."""
        return self._trusted.get(authenticator, {}).get(proof)

    def key_fits(self, role: str, offered: str) -> bool:
        """Say whether *offered* is the API key of *role*."""
        return _same(self._keys.get(role), offered)

    def password_fits(self, role: str, offered: str) -> bool:
        """Say whether *offered* is the password of *role*."""
        return _same(self._passwords.get(role), offered)

    def directory_fits(self, service: str, login: str, offered: str) -> bool:
        """Say whether the directory knows *login* with the password *offered*."""
        return _same(self._directories.get(service, {}).get(login), offered)
