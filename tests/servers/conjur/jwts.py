"""JSON web tokens of an imaginary issuer, for the JWT authenticator."""

import base64
import binascii
import hmac
import json
import secrets

from .clock import Clock

Claims = dict[str, object]


class InvalidJwtError(Exception):
    """The text is no JWT, or not signed with the key of the issuer."""


def new_key_set() -> str:
    """Make a key set with one symmetric key, in the form of the variable `public-keys`."""
    key = {"kty": "oct", "alg": "HS256", "k": _encode(secrets.token_bytes(32))}
    return json.dumps({"type": "jwks", "value": {"keys": [key]}})


def issue(clock: Clock, key_set: str, claims: Claims, *, life: float) -> str:
    """Sign a JWT with *claims* that lives *life* seconds; a life below 0 makes one that ran out."""
    now = int(clock.now())
    head = {"alg": "HS256", "typ": "JWT"}
    body = {"iat": now, "exp": now + int(life), **claims}
    signed = ".".join(_encode(json.dumps(part).encode()) for part in (head, body))
    return f"{signed}.{_sign(key_set, signed)}"


def read(key_set: str, text: str) -> Claims:
    """Return the claims of a JWT whose signature is right, in time or not.

    Raises:
        InvalidJwtError: when it is not that.
    """
    signed, _, signature = text.rpartition(".")
    if not hmac.compare_digest(_sign(key_set, signed).encode(), signature.encode()):
        raise InvalidJwtError
    try:
        claims = json.loads(_decode(signed.partition(".")[2]))
    except (binascii.Error, ValueError):
        raise InvalidJwtError from None
    if not isinstance(claims, dict):
        raise InvalidJwtError
    return claims


def _sign(key_set: str, signed: str) -> str:
    key = json.loads(key_set)["value"]["keys"][0]["k"]
    return _encode(hmac.digest(_decode(key), signed.encode(), "sha256"))


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
