"""pydantic-settings: a source that fills the fields of a settings class with secrets.

class Settings(BaseSettings):
    api_key: Annotated[SecretStr, FromSecret("pepipost/api_key")]

    @classmethod
    def settings_customise_sources(cls, settings_cls, init_settings, env_settings, *others):
        return init_settings, env_settings, SecretSource(settings_cls)
"""

from __future__ import annotations

from secretsource.integrations._needs import needs

with needs("pydantic-settings", extra="pydantic-settings"):
    import pydantic_settings as _  # noqa: F401 - the modules below need it

from secretsource.integrations.pydantic_settings._from_secret import FromSecret
from secretsource.integrations.pydantic_settings._source import SecretSource

__all__ = ["FromSecret", "SecretSource"]
