"""The application for ``INSTALLED_APPS``; all it brings are the checks."""

from __future__ import annotations

from secretsource.integrations._needs import needs

with needs("Django", extra="django"):
    from django.apps import AppConfig
    from django.core.checks import Tags, register

__all__ = ["SecretsourceConfig"]


class SecretsourceConfig(AppConfig):
    """Registers the checks; see `secretsource.integrations.django`."""

    name = "secretsource.integrations.django"
    label = "secretsource"
    verbose_name = "secretsource"

    def ready(self) -> None:
        """Register the checks; nothing is read."""
        from secretsource.integrations.django._checks import check_engines, check_secrets

        register(check_engines, "secrets")
        # Backends are asked, so it must be wanted: each start of runserver and each command runs the other checks.
        register(check_secrets, Tags.security, "secrets", deploy=True)
