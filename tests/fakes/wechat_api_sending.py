"""The sending paths of the fake WeChat API: what reaches a person, and every reason why it doesn't."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from tests.fakes.wechat_api_calls import Answer, Body, Call
from tests.fakes.wechat_api_fields import check_fields
from tests.fakes.wechat_api_world import Allowance, App, Kind, Person, Refusal, Report, Template

TEXT_BYTES = 2048
TYPING_AFTER_SECONDS = 30
TYPING_LASTS_SECONDS = 15
SAME_ID_SECONDS = 600
CLIENT_ID_LENGTH = 32
ARTICLES = 1
STATES = {"developer", "trial", "formal"}
LANGUAGES = {"zh_CN", "en_US", "zh_HK", "zh_TW"}
CUSTOM_TYPES: Mapping[str, frozenset[str]] = {
    "official": frozenset(
        {"text", "image", "voice", "video", "music", "news", "mpnews", "mpnewsarticle", "msgmenu", "wxcard"}
        | {"miniprogrampage"}
    ),
    "mini": frozenset({"text", "image", "link", "miniprogrampage"}),
}
OF_MEDIA = frozenset({"image", "voice", "video"})

Take = Callable[[Call, App, Kind, Mapping[str, Any]], int]


class Sending:
    """Decides what is delivered; `take` puts it on the phone and returns the message's number."""

    def __init__(self, take: Take, *, reports: bool) -> None:
        self._take = take
        self._reports = reports

    def custom(self, call: Call, app: App) -> Answer:
        """POST /cgi-bin/message/custom/send."""
        body = call.json()
        _, person = _recipient(app, body, app.unfollowed_errcode)
        _check_custom(app, body)
        _spend_allowance(person, call.now)
        person.typing_until = call.now
        self._take(call, app, "custom", body)
        return {"errcode": 0, "errmsg": "ok"}

    def typing(self, call: Call, app: App) -> Answer:
        """POST /cgi-bin/message/custom/typing: only shortly after the person did something."""
        body = call.json()
        _, person = _recipient(app, body, app.unfollowed_errcode)
        command = body.get("command")
        if command not in {"Typing", "CancelTyping"}:
            raise Refusal(45072)
        if call.now - person.touched_at > TYPING_AFTER_SECONDS:
            raise Refusal(45080)
        if command == "Typing" and person.typing_until > call.now:
            raise Refusal(45081)
        person.typing_until = call.now + TYPING_LASTS_SECONDS if command == "Typing" else call.now
        return {"errcode": 0, "errmsg": "ok"}

    def subscription(self, call: Call, app: App) -> Answer:
        """POST /cgi-bin/message/subscribe/send."""
        body = call.json()
        openid, person = _recipient(app, body)
        template = _template(app, body)
        _check_page(app, body)
        check_fields(template, body.get("data"))
        _check_words(app, body["data"])
        if app.subscriptions_banned:
            raise Refusal(43107)
        if template.template_id not in person.always:
            _spend_subscription(person, template.template_id)
        msgid = self._take(call, app, "subscription", body)
        self._report(app, Report(openid, template.template_id, msgid, arrived=True))
        return {"errcode": 0, "errmsg": "ok", "msgid": msgid}

    def template(self, call: Call, app: App) -> Answer:
        """POST /cgi-bin/message/template/send: the same id for the same person within ten minutes is sent once."""
        body = call.json()
        openid, person = _recipient(app, body, 43004)
        template = _template(app, body)
        own_id = str(body.get("client_msg_id", ""))
        if len(own_id) > CLIENT_ID_LENGTH:
            raise Refusal(45067)
        if own_id:
            _check_new(person, own_id, call.now)
        check_fields(template, body.get("data"))
        _check_words(app, body["data"])
        # Somebody who switched the account's messages off gets nothing, which only the later report says.
        msgid = next(_UNSEEN) if person.rejects_templates else self._take(call, app, "template", body)
        arrived = not person.rejects_templates
        self._report(app, Report(openid, template.template_id, msgid, arrived))
        if own_id:
            person.sent_ids[own_id] = (call.now, msgid)
        return {"errcode": 0, "errmsg": "ok", "msgid": msgid}

    def _report(self, app: App, report: Report) -> None:
        if self._reports:
            app.reports.append(report)


_UNSEEN = count(900_000_000_000)


def _recipient(app: App, body: Body, unfollowed: int = 0) -> tuple[str, Person]:
    """Who it is for; `unfollowed` is what somebody gets who doesn't follow the official account."""
    openid = str(body.get("touser", ""))
    person = app.people.get(openid)
    if person is None:
        raise Refusal(40003)
    if person.on_black_list:
        raise Refusal(43019)
    if unfollowed and app.kind == "official" and not person.following:
        raise Refusal(unfollowed)
    return openid, person


def _check_custom(app: App, body: Body) -> None:
    message_type = str(body.get("msgtype"))
    if message_type not in CUSTOM_TYPES[app.kind]:
        raise Refusal(40008)
    part = body.get(message_type)
    if not isinstance(part, dict) or not part:
        raise Refusal(44004)
    if message_type == "text":
        _check_text(app, part)
    elif message_type in OF_MEDIA and part.get("media_id") not in app.media:
        raise Refusal(40007)
    elif message_type == "news" and len(part.get("articles", ())) > ARTICLES:
        raise Refusal(45008)


def _check_text(app: App, part: Body) -> None:
    text = part.get("content")
    if not isinstance(text, str) or not text.strip():
        raise Refusal(44004)
    if len(text.encode()) > TEXT_BYTES:
        raise Refusal(45002)


def _spend_allowance(person: Person, now: float) -> None:
    """One send of whichever open window ends first."""
    windows = sorted(
        (each for each in (person.moment, person.window) if each is not None and each.until > now),
        key=_end,
    )
    if not windows:
        raise Refusal(45015)
    with_room = [window for window in windows if window.left > 0]
    if not with_room:
        raise Refusal(45047)
    with_room[0].left -= 1


def _end(allowance: Allowance) -> float:
    return allowance.until


def _spend_subscription(person: Person, template_id: str) -> None:
    left = person.subscriptions.get(template_id, 0)
    if left <= 0:
        raise Refusal(43101)
    person.subscriptions[template_id] = left - 1


def _template(app: App, body: Body) -> Template:
    template = app.templates.get(str(body.get("template_id", "")))
    if template is None:
        raise Refusal(40037)
    return template


def _check_page(app: App, body: Body) -> None:
    page = str(body.get("page", "")).split("?")[0]
    if page and app.pages is not None and page not in app.pages:
        raise Refusal(41030)
    if body.get("miniprogram_state", "formal") not in STATES or body.get("lang", "zh_CN") not in LANGUAGES:
        raise Refusal(40097)


def _check_words(app: App, data: Body) -> None:
    if app.sensitive_words and any(
        word in field["value"] for field in data.values() for word in app.sensitive_words
    ):
        raise Refusal(45168)


def _check_new(person: Person, own_id: str, now: float) -> None:
    at, msgid = person.sent_ids.get(own_id, (float("-inf"), 0))
    if now - at < SAME_ID_SECONDS:
        raise Refusal(45065, msgid=msgid)
