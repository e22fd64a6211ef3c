"""What an error of AWS or of botocore means, and the failure that one read ended in."""

from __future__ import annotations

from dataclasses import dataclass

from secretsource.errors import ConfigError, Reason, SecretSourceError, resolver_error

__all__ = ["Failure", "Meaning"]


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code of AWS or an exception of botocore means.

    Attributes:
        reason: Why there is no value; `None` when boto3's own configuration is wrong.
        advice: What to do; of the words in braces `Service.advice` tells, and ``{profile}`` names the profile.
        login: The credentials are the matter, so the client, which keeps them, is not used again.
        again: New credentials may help at once, so one more read is tried.
    """

    reason: Reason | None
    advice: str = ""
    login: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True)
class Failure:
    """A read that brought no answer, as a value: raised only where no local variable holds a secret or a token.

    Attributes:
        reason: One of the reasons of an error; `None` when boto3's own configuration is wrong.
        detail: Words from the fixed vocabulary.
        retry_after: Seconds to wait, as the server said.
        login: See `Meaning`.
        ask_again: See `Meaning.again`.
    """

    reason: Reason | None
    detail: str = ""
    retry_after: float | None = None
    login: bool = False
    ask_again: bool = False

    def error(self, resolver: str, location: str) -> SecretSourceError:
        """Return the error to raise."""
        if self.reason is None:
            return ConfigError(f"the resolver {resolver!r} cannot ask AWS: {self.detail}")
        return resolver_error(self.reason, self.detail, location=location, retry_after=self.retry_after)
