"""The paths of the fake WeChat API other than sending: tokens, login, media, menu, addresses, quotas."""

from __future__ import annotations

import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from tests.fakes.wechat_api_world import CLEARS_A_MONTH, App, Refusal

Body = dict[str, Any]
LOGINS_A_MINUTE = 100
BUTTONS, SUB_BUTTONS = 3, 5
NAME_BYTES, SUB_NAME_BYTES, KEY_BYTES = 16, 60, 128
BUTTON_NEEDS = {
    "click": "key",
    "view": "url",
    "miniprogram": "pagepath",
    "scancode_push": "key",
    "scancode_waitmsg": "key",
    "pic_sysphoto": "key",
    "pic_photo_or_album": "key",
    "pic_weixin": "key",
    "location_select": "key",
    "media_id": "media_id",
    "article_id": "article_id",
}


@dataclass(slots=True)
class Call:
    """One call, as far as it is known before the app is."""

    path: str
    query: Mapping[str, str]
    raw: bytes
    remote: str
    at: datetime
    now: float
    apps: Mapping[str, App]
    _body: Body | None = None

    def json(self) -> Body:
        """The body as an object; 47001 if it is none."""
        if self._body is None:
            try:
                body = orjson.loads(self.raw)
            except orjson.JSONDecodeError as error:
                raise Refusal(47001) from error
            if not isinstance(body, dict):
                raise Refusal(47001)
            self._body = body
        return self._body


@dataclass(frozen=True, slots=True)
class File:
    """An answer that isn't JSON."""

    content: bytes
    content_type: str
    name: str


Answer = Mapping[str, Any] | File
ByToken = Callable[[Call, App], Answer]
BySecret = Callable[[Call], Answer]


def fetch_token(call: Call) -> Answer:
    """GET /cgi-bin/token."""
    app = _app_of(call, call.query, "client_credential")
    app.spend_call(call.path, call.now)
    token, seconds = app.tokens.fetch(call.now)
    return {"access_token": token, "expires_in": seconds}


def fetch_stable_token(call: Call) -> Answer:
    """POST /cgi-bin/stable_token."""
    body = call.json()
    app = _app_of(call, body, "client_credential")
    app.spend_call(call.path, call.now)
    if body.get("force_refresh") is True:
        forced = app.tokens.force(call.now)
        if forced != "done":
            raise Refusal(45011 if forced == "too_soon" else 45009)
    token, seconds = app.tokens.fetch_stable(call.now)
    return {"access_token": token, "expires_in": seconds}


def exchange_code(call: Call) -> Answer:
    """GET /sns/jscode2session, which names no errcode when it went well."""
    app = _app_of(call, call.query, "authorization_code")
    app.spend_call(call.path, call.now)
    code = app.codes.get(call.query.get("js_code", ""))
    if code is None or code.until <= call.now:
        raise Refusal(40029)
    person = app.person(code.openid)
    while person.logins and person.logins[0] <= call.now - 60:
        person.logins.popleft()
    if len(person.logins) >= LOGINS_A_MINUTE:
        raise Refusal(45011)
    person.logins.append(call.now)
    if code.used:
        raise Refusal(40163)
    if person.high_risk:
        raise Refusal(40226)
    code.used = True
    return {"openid": code.openid, "session_key": b64encode(secrets.token_bytes(16)).decode()}


def clear_quota_by_secret(call: Call) -> Answer:
    """POST /cgi-bin/clear_quota/v2, which needs no token and so works when its quota is used up."""
    body = call.json()
    app = call.apps.get(str(body.get("appid")))
    if app is None:
        raise Refusal(40013)
    if body.get("appsecret") != app.secret:
        raise Refusal(40125)
    return _clear(call, app)


def _app_of(call: Call, given: Mapping[str, Any], grant_type: str) -> App:
    """The app that these credentials belong to, with every refusal that comes before a token."""
    app = call.apps.get(str(given.get("appid", "")))
    if given.get("grant_type") != grant_type:
        raise Refusal(40002)
    if app is None:
        raise Refusal(40013)
    if given.get("secret") != app.secret:
        raise Refusal(40125)
    if app.secret_frozen:
        raise Refusal(40243)
    if app.allowed_ips is not None and call.remote not in app.allowed_ips:
        raise Refusal(40164, f"invalid ip {call.remote}, not in whitelist")
    return app


def clear_quota(call: Call, app: App) -> Answer:
    """POST /cgi-bin/clear_quota."""
    if call.json().get("appid") != app.app_id:
        raise Refusal(40013)
    return _clear(call, app)


def _clear(call: Call, app: App) -> Answer:
    month = call.at.strftime("%Y-%m")
    if app.clears[month] >= CLEARS_A_MONTH:
        raise Refusal(48006)
    app.clears[month] += 1
    app.clear_quota()
    return {"errcode": 0, "errmsg": "ok"}


def get_quota(call: Call, app: App) -> Answer:
    """POST /cgi-bin/openapi/quota/get; 0 as a limit stands for a path that this fake doesn't limit."""
    path = str(call.json().get("cgi_path", ""))
    limit = app.daily_limits.get(path, 0)
    used = limit if path in app.exhausted else app.used_today[path]
    quota = {"daily_limit": limit, "used": used, "remain": max(limit - used, 0)}
    return {"errcode": 0, "errmsg": "ok", "quota": quota}


def list_addresses(call: Call, app: App) -> Answer:
    """GET /cgi-bin/getcallbackip and /cgi-bin/get_api_domain_ip."""
    return {"ip_list": list(app.callback_ips)}


def get_media(call: Call, app: App) -> Answer:
    """GET /cgi-bin/media/get: bytes, or the address of a video."""
    name = call.query.get("media_id", "")
    media = app.media.get(name)
    if media is None:
        raise Refusal(40007)
    if media.video_url:
        return {"video_url": media.video_url}
    return File(media.content, media.content_type, name)


def create_menu(call: Call, app: App) -> Answer:
    """POST /cgi-bin/menu/create, with the documented limits."""
    menu = call.json()
    buttons = menu.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= BUTTONS:
        raise Refusal(40016)
    for button in buttons:
        _check_name(button, NAME_BYTES, 40018)
        subs = button.get("sub_button") or []
        if len(subs) > SUB_BUTTONS:
            raise Refusal(40023)
        for sub in subs:
            _check_name(sub, SUB_NAME_BYTES, 40025)
        for leaf in subs or [button]:
            _check_target(leaf)
    app.menu = menu
    return {"errcode": 0, "errmsg": "ok"}


def _check_name(button: Body, limit: int, errcode: int) -> None:
    if not 1 <= len(str(button.get("name", "")).encode()) <= limit:
        raise Refusal(errcode)


def _check_target(button: Body) -> None:
    needed = BUTTON_NEEDS.get(str(button.get("type")))
    if needed is None:
        raise Refusal(40017)
    if not 1 <= len(str(button.get(needed, "")).encode()) <= (KEY_BYTES if needed == "key" else 1024):
        raise Refusal(40019 if needed == "key" else 40020)
