"""What the settings name is built, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from pydantic import SecretStr

from bot.app import make_keys
from bot.channels.outbound import Way
from bot.errors import Misconfigured
from bot.platforms import Platforms, build_platforms
from bot.store.database import Database
from bot.store.platform_states import PlatformStates
from config.settings import AlipaySettings, MiniProgramSettings, OfficialAccountSettings, Settings
from tests.fakes.clock import FakeClock
from tests.service import AES_KEY, APP_ID, TOKEN, make_settings

WORDED = frozenset({"colour_changed", "asked_first"})
SECRET = SecretStr("a-secret")
OFFICIAL: dict[str, Any] = {"app_id": APP_ID, "token": SecretStr(TOKEN), "aes_key": SecretStr(AES_KEY)}
MINI: dict[str, Any] = OFFICIAL | {"app_id": "wx2", "secret": SECRET}


def build(url: str, **changes: Any) -> Platforms:
    settings: Settings = make_settings(url, **changes)
    states = PlatformStates(Database(url), make_keys(settings), FakeClock(), owner="test")
    return build_platforms(settings, states, lambda channel: WORDED)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite://{tmp_path}/x.db"


@pytest.fixture(scope="module")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    key, theirs = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    folder = tmp_path_factory.mktemp("keys")
    private, public = folder / "private.pem", folder / "public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(theirs.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return {"private_key_file": str(private), "alipay_public_key_file": str(public)}


async def test_account_without_a_secret_listens_and_sends_nothing(url: str) -> None:
    made = build(url, wechat_official=OfficialAccountSettings(**OFFICIAL))
    assert made.official is not None
    assert (made.mini, made.alipay, made.typing, made.logins) == (None, None, None, {})
    assert set(made.outbounds) == set(made.offers) == {"simulator"}


async def test_every_channel_that_is_set_up_can_be_sent_to(url: str, key_files: dict[str, str]) -> None:
    made = build(
        url,
        wechat_official=OfficialAccountSettings(**OFFICIAL, secret=SECRET),
        wechat_mini=MiniProgramSettings(**MINI),
        alipay=AlipaySettings(app_id="2021", **key_files),
    )
    assert set(made.outbounds) == {"wechat_official", "wechat_mini", "alipay", "simulator"}
    assert made.offers["wechat_mini"].ways == {Way.CUSTOMER_SERVICE, Way.SUBSCRIPTION}
    assert made.offers["wechat_official"].app == f"wechat_official:{APP_ID}"
    assert set(made.logins) == {"wechat_mini", "alipay"}
    assert made.typing is not None
    for outbound in made.outbounds.values():
        await outbound.close()


async def test_template_counts_only_with_an_id_and_words(url: str) -> None:
    templates = {"colour_changed": "T-1", "asked_first": ""}
    made = build(url, wechat_mini=MiniProgramSettings(**MINI, templates=templates))
    assert made.offers["wechat_mini"].templates == {"colour_changed"}
    assert made.template_kinds == {("wechat_mini", "T-1"): "colour_changed"}


@pytest.mark.parametrize(
    "templates", [{"no_such_kind": "T-3"}, {"colour_changed": "T-1", "asked_first": "T-1"}]
)
async def test_template_that_would_never_be_used_stops_the_start(url: str, templates: dict[str, str]) -> None:
    with pytest.raises(Misconfigured, match="YIMA_WECHAT_MINI__TEMPLATES"):
        build(url, wechat_mini=MiniProgramSettings(**MINI, templates=templates))


async def test_production_has_no_simulator(url: str) -> None:
    assert build(url, env="production").outbounds == {}


async def test_key_file_that_is_missing_stops_the_start(url: str, key_files: dict[str, str]) -> None:
    files = key_files | {"private_key_file": "nowhere.pem"}
    with pytest.raises(Misconfigured, match="YIMA_ALIPAY__PRIVATE_KEY_FILE"):
        build(url, alipay=AlipaySettings(app_id="2021", **files))
