"""What somebody with a typed settings class writes. Never run."""

from __future__ import annotations

from typing import Annotated, assert_type

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from secretsource import MaskedStr, SecretHandle, Store
from secretsource.integrations.pydantic_settings import FromSecret, SecretSource
from secretsource.testing import MemoryResolver


class Database(BaseModel):
    user: str
    password: SecretStr


class Settings(BaseSettings):
    stripe_key: SecretStr
    hook: SecretBytes | None = None
    api_key: Annotated[SecretStr, FromSecret("pepipost/api_key")]
    text: Annotated[str, FromSecret()]
    own: Annotated[MaskedStr, FromSecret("own")]
    port: Annotated[int, FromSecret("db/primary/port")]
    handle: Annotated[SecretHandle, FromSecret("pepipost/api_key")]
    db: Annotated[Database, FromSecret("db/primary")]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, SecretSource(settings_cls)


def use(settings: Settings) -> None:
    assert_type(settings.stripe_key, SecretStr)
    assert_type(settings.hook, SecretBytes | None)
    assert_type(settings.api_key.get_secret_value(), str)
    assert_type(settings.text, str)
    assert_type(settings.own, MaskedStr)
    assert_type(settings.port, int)
    assert_type(settings.handle(), MaskedStr)
    assert_type(settings.db.password, SecretStr)


assert_type(FromSecret("a/b").name, str | None)
store = Store([MemoryResolver()])
SecretSource(Settings, store=store, prefix="shop/", only_marked=True, timeout=1.5)
SecretSource(Settings, store=None, timeout=None)
SecretSource(Settings, store)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]  # by keyword
SecretSource(Database)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  # no settings
FromSecret(b"a/b")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
