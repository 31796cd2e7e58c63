"""Every setting of the service: one frozen object, read once at the start and passed down.

Secrets hide in `repr`; a wrong value is named by its variable and never printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from bot.errors import Misconfigured


class OfficialAccountSettings(BaseModel):
    """The WeChat official account; without `app_id` the channel is off.

    `token`, `aes_key` and `mode` are what the account's console shows under "server configuration".
    `previous_aes_key` stays until the platform has stopped using it. `secret` and `api_base` are for the
    outgoing side.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="forbid")

    app_id: str = ""
    token: SecretStr = SecretStr("")
    aes_key: SecretStr = SecretStr("")
    previous_aes_key: SecretStr = SecretStr("")
    secret: SecretStr = SecretStr("")
    mode: Literal["plain", "compat", "safe"] = "safe"
    api_base: str = "https://api.weixin.qq.com"
    window_seconds: int = Field(default=600, ge=30, le=3600)


class Settings(BaseSettings):
    """Settings from the environment, prefix `YIMA_`, nested with `__`.

    env: development or production. Development binds to loopback only, makes its own keys, has the
        simulator, a clock that can be moved and a small town. Example: `YIMA_ENV=production`
    host, port: where the server listens. Example: `YIMA_PORT=8080`
    database_url: `sqlite://var/yima.db` or `postgres://user:password@host:5432/name`
    data_keys, index_keys, pass_keys: `id:base64,…`, the first is current; data keys seal, index keys find
        people by exact HMAC, pass keys sign. Example: `YIMA_DATA_KEYS=k1:<32 bytes in base64>`
    public_url: the address that residents see, for one-time links.
    trusted_proxies: comma-separated addresses whose X-Forwarded-For is believed.
    seed: `town` puts a small town into an empty development database, `none` doesn't.
    reply_seconds: how long a handler may take before "on it" is said; the platform hangs up at five.
    real_name_url: the real-name service; empty: the built-in fake in development, none in production.
    confirmed_rulebooks: comma-separated `scheme/version` of illustrative rule books that the authority
        which runs them has confirmed; production refuses the others.
    log_level: Example: `YIMA_LOG_LEVEL=INFO`
    """

    model_config = SettingsConfigDict(
        env_prefix="YIMA_",
        env_nested_delimiter="__",
        env_file=".env",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    env: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    database_url: str = "sqlite://var/yima.db"
    data_keys: SecretStr = SecretStr("")
    index_keys: SecretStr = SecretStr("")
    pass_keys: SecretStr = SecretStr("")
    public_url: str = ""
    trusted_proxies: str = ""
    seed: Literal["town", "none"] = "town"
    reply_seconds: float = Field(default=4.0, gt=0, lt=5)
    real_name_url: str = ""
    confirmed_rulebooks: str = ""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    wechat_official: OfficialAccountSettings = OfficialAccountSettings()

    @property
    def production(self) -> bool:
        return self.env == "production"

    @property
    def home(self) -> Path:
        """The checkout or image that the service runs from."""
        return Path(__file__).resolve().parent.parent

    @property
    def state_folder(self) -> Path:
        """Where development keeps its database and generated keys."""
        return Path("var")


def read_settings() -> Settings:
    """Read the environment once; Misconfigured names every wrong variable and never its value."""
    try:
        settings = Settings()
    except ValidationError as error:
        names = sorted({_variable(problem["loc"]) for problem in error.errors(include_input=False)})
        raise Misconfigured(f"these settings are missing or wrong: {', '.join(names)}") from None
    check(settings)
    return settings


def _variable(location: tuple[int | str, ...]) -> str:
    return "YIMA_" + "__".join(str(part) for part in location).upper()


def check(settings: Settings) -> None:
    """Refuse a production start without its secrets, and development beyond loopback."""
    if not settings.production:
        if settings.host not in ("127.0.0.1", "::1", "localhost"):
            raise Misconfigured("YIMA_HOST must be a loopback address in development")
    else:
        missing = [
            f"YIMA_{name.upper()}"
            for name in ("data_keys", "index_keys", "pass_keys")
            if not getattr(settings, name).get_secret_value()
        ]
        if not settings.public_url:
            missing.append("YIMA_PUBLIC_URL")
        if missing:
            raise Misconfigured(f"production needs {', '.join(missing)}")
    _check_channel(settings.wechat_official)


def _check_channel(channel: OfficialAccountSettings) -> None:
    if not channel.app_id:
        return
    if not channel.token.get_secret_value():
        raise Misconfigured("the channel needs YIMA_WECHAT_OFFICIAL__TOKEN")
    if channel.mode != "plain" and not channel.aes_key.get_secret_value():
        raise Misconfigured(f"mode {channel.mode} needs YIMA_WECHAT_OFFICIAL__AES_KEY")
