"""What the shop can be told from outside."""

from typing import Annotated

from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from secretsource import SecretHandle
from secretsource.integrations.pydantic_settings import FromSecret, SecretSource


class Database(BaseModel):
    user: str
    password: SecretStr
    host: str = "localhost"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="SHOP_", env_nested_delimiter="__")

    debug: bool = False
    session_key: SecretStr = Field(min_length=16)
    sentry_dsn: SecretStr | None = None
    mail_key: Annotated[SecretHandle, FromSecret("pepipost/api_key")]
    db: Annotated[Database, FromSecret("db/primary")]

    @classmethod
    def settings_customise_sources(
        cls, settings_cls, init_settings, env_settings, dotenv_settings, file_secret_settings
    ):
        del dotenv_settings, file_secret_settings  # the chain of secretsource reads such files
        return init_settings, env_settings, SecretSource(settings_cls, prefix="shop/")
