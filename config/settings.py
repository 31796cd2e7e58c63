"""Every setting of the service: one frozen object, read once at the start and passed down.

Secrets hide in `repr`; a wrong value is named by its variable and never printed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from bot.errors import Misconfigured


class OfficialAccountSettings(BaseModel):
    """The WeChat official account; without `app_id` the channel is off.

    `token`, `aes_key` and `mode` are what the account's console shows under "server configuration".
    `previous_aes_key` stays until the platform has stopped using it. `secret` and `api_base` are for the
    outgoing side: without a secret nothing is sent unasked. `templates` names the platform's template for
    each kind of notice, as JSON. `sends_per_second` is for the whole account, in each process.
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
    templates: dict[str, str] = {}
    sends_per_second: int = Field(default=200, ge=1, le=10_000)


class MiniProgramSettings(OfficialAccountSettings):
    """The WeChat mini-program, with the same settings; `format` is what its console pushes, `page_state` which
    version of the mini-program a notice opens (developer, trial or formal)."""

    format: Literal["xml", "json"] = "json"
    page_state: Literal["developer", "trial", "formal"] = "formal"


class AlipaySettings(BaseModel):
    """Alipay; without `app_id` the channel is off.

    The key files are PEM or bare base64: our private key, and the platform's public key from its console.
    `aes_key` (base64 of 16 bytes) is for apps that encrypt. `sign_types`: RSA2, and RSA only where the account
    can't do better. `templates` and `sends_per_second` are as for WeChat.
    """

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True, extra="forbid")

    app_id: str = ""
    private_key_file: str = ""
    alipay_public_key_file: str = ""
    gateway_url: str = "https://openapi.alipay.com/gateway.do"
    aes_key: SecretStr = SecretStr("")
    sign_types: str = "RSA2"
    window_seconds: int = Field(default=600, ge=30, le=90_000)
    templates: dict[str, str] = {}
    sends_per_second: int = Field(default=200, ge=1, le=10_000)


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
    sends_at_once: how many notices one process sends at the same time; as many may be left unknown if it dies.
    login_minutes: how long a login of the front end lasts.
    api_calls_per_minute: how often one session may use the front end's API.
    logins_per_minute: how often one address may log in, or come without a login; many phones share the address of
        their carrier.
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
    sends_at_once: int = Field(default=64, ge=1, le=1000)
    login_minutes: int = Field(default=120, ge=5, le=1440)
    api_calls_per_minute: int = Field(default=60, ge=1, le=100_000)
    logins_per_minute: int = Field(default=600, ge=1, le=1_000_000)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    wechat_official: OfficialAccountSettings = OfficialAccountSettings()
    wechat_mini: MiniProgramSettings = MiniProgramSettings()
    alipay: AlipaySettings = AlipaySettings()

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
    except (
        SettingsError
    ) as error:  # what should be JSON isn't; the library names the setting and not its value
        named = re.search(r'field "(\w+)"', str(error))
        raise Misconfigured(f"{_variable((named[1],)) if named else 'a setting'}… must be JSON") from None
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
    _check_wechat(settings.wechat_official, "YIMA_WECHAT_OFFICIAL__")
    _check_wechat(settings.wechat_mini, "YIMA_WECHAT_MINI__")
    _check_alipay(settings.alipay)


def _check_wechat(channel: OfficialAccountSettings, prefix: str) -> None:
    if not channel.app_id:
        return
    if not channel.token.get_secret_value():
        raise Misconfigured(f"the channel needs {prefix}TOKEN")
    if channel.mode != "plain" and not channel.aes_key.get_secret_value():
        raise Misconfigured(f"mode {channel.mode} needs {prefix}AES_KEY")
    if isinstance(channel, MiniProgramSettings) and not channel.secret.get_secret_value():
        raise Misconfigured(f"the channel needs {prefix}SECRET: its answers go through the platform's API")


def _check_alipay(channel: AlipaySettings) -> None:
    if not channel.app_id:
        return
    for name in ("private_key_file", "alipay_public_key_file"):
        if not getattr(channel, name):
            raise Misconfigured(f"the channel needs YIMA_ALIPAY__{name.upper()}")
    if not {each.strip() for each in channel.sign_types.split(",")} <= {"RSA2", "RSA"}:
        raise Misconfigured("YIMA_ALIPAY__SIGN_TYPES must be RSA2, or RSA2,RSA")
