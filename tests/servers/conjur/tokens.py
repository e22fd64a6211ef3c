"""Access tokens: JSON of three base64 pieces, signed by the server."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets

from .clock import Clock

_SIGNATURE_BLOCKS = 9  # 288 bytes, the size of Conjur's own signatures


class MalformedTokenError(Exception):
    """The text is no token at all."""


class InvalidTokenError(Exception):
    """The token was not signed with the present key, or ran out."""


def _compact(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()


class Tokens:
    """Issues and checks tokens.

    Attributes:
        life: how long a new token lives, in seconds; as `iat` and `exp` are whole seconds, so is this.
    """

    def __init__(self, clock: Clock, life: float) -> None:
        self.life = life
        self._clock = clock
        self.revoke_all()

    def revoke_all(self) -> None:
        """Take a new signing key: every token issued so far becomes invalid."""
        self._key = secrets.token_bytes(32)

    def issue(self, login: str) -> str:
        """Return a new token for *login* as JSON."""
        now = int(self._clock.now())
        protected = {"alg": "conjur.org/slosilo/v2", "kid": hashlib.sha256(self._key).hexdigest()}
        payload = {"iat": now, "sub": login, "exp": now + int(self.life)}
        pieces = {"protected": _encode(_compact(protected)), "payload": _encode(_compact(payload))}
        return _compact({**pieces, "signature": self._sign(**pieces)}).decode()

    def verify(self, text: str) -> tuple[str, int]:
        """Check a token as it stands in a header.

        Args:
            text: base64 of the token's JSON.

        Returns:
            The login and the time of issue.

        Raises:
            MalformedTokenError: when it is not base64 of a JSON object.
            InvalidTokenError: when its signature is wrong or its time is over.
        """
        token = _parse(text)
        protected, payload, signature = (str(token.get(k)) for k in ("protected", "payload", "signature"))
        if not hmac.compare_digest(self._sign(protected, payload).encode(), signature.encode()):
            raise InvalidTokenError
        claims = json.loads(base64.urlsafe_b64decode(payload))
        if self._clock.now() >= claims["exp"]:
            raise InvalidTokenError
        return claims["sub"], claims["iat"]

    def _sign(self, protected: str, payload: str) -> str:
        signed = f"{protected}.{payload}".encode()
        numbers = (bytes([number]) for number in range(_SIGNATURE_BLOCKS))
        return _encode(b"".join(hmac.digest(self._key, number + signed, "sha256") for number in numbers))


def _parse(text: str) -> dict[str, object]:
    try:
        token = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        raise MalformedTokenError from None
    if not isinstance(token, dict):
        raise MalformedTokenError
    return token
