"""The questions of a declaration about the person: name, certificate, phone."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import date

from bot.conversation.context import Context
from bot.conversation.forms import Answers, Partly, Read, Step, Taken, Wrong, drafted, numbered
from bot.conversation.understanding.understood import Intent
from bot.errors import BadRequest
from bot.message import Reply
from bot.services.certificates import (
    Certificate,
    CertificateKind,
    check_certificate,
    check_phone,
    is_minor,
    masked_certificate,
    masked_phone,
)
from bot.services.declaration_rules import is_name

_SAID_NAME = re.compile(
    r"(?:我叫|我是|我的名字(?:是|叫)?|姓名(?:是)?|名字(?:是|叫)?|叫做|my name is|i am|i'm|name)\s*[:：]?\s*"
    r"(?P<name>[一-鿿·•]{2,15}|[a-z][a-z '\-.]{1,48}[a-z])",
    re.IGNORECASE,
)
_PARTS = re.compile(r"[,，;；。、\n\t]+|\s{2,}")
_ID_CARD = re.compile(
    r"(?<![0-9A-Za-z])[1-9][0-9]{5}[ -]?(?:18|19|20)[0-9]{6}[ -]?[0-9]{3}[0-9Xx](?![0-9A-Za-z])"
)
_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 \-]{2,24}[A-Za-z0-9]")
_PHONE = re.compile(r"(?<![0-9A-Za-z])(?:\+|00)?[0-9][0-9 \-]{6,17}[0-9](?![0-9A-Za-z])")
_MOBILE = re.compile(r"(?<![0-9A-Za-z])(?:(?:\+|00)?86[ -]?)?1[3-9][0-9](?:[ -]?[0-9]{4}){2}(?![0-9A-Za-z])")
_NO_PHONE = re.compile(r"没有?手机|没有?电话|没有?号码|no phone|don't have", re.IGNORECASE)
_RIGHT = re.compile(r"没错|没有错|没问题|就是|correct|right", re.IGNORECASE)

KINDS = (
    (CertificateKind.ID_CARD, re.compile(r"身份证|居民证|id ?card|identity card", re.IGNORECASE)),
    (CertificateKind.PASSPORT, re.compile(r"护照|passport", re.IGNORECASE)),
    (
        CertificateKind.HK_MACAU_PERMIT,
        re.compile(r"港澳|回乡证|香港|澳门|hong ?kong|macau|macao", re.IGNORECASE),
    ),
    (CertificateKind.TAIWAN_PERMIT, re.compile(r"台湾|台胞证|taiwan", re.IGNORECASE)),
)


def certificate_of(answers: Answers, today: date) -> Certificate | None:
    """The certificate of the answers, if it has been given."""
    kind, number = answers.get("certificate_kind"), answers.get("certificate_number")
    if not kind or not number:
        return None
    try:
        return check_certificate(kind, number, today=today)
    except BadRequest:
        return None


def minor(ctx: Context, answers: Answers) -> bool:
    """Whether the certificate says that the resident is younger than eighteen; such are asked less."""
    certificate = certificate_of(answers, ctx.today)
    return (
        certificate is not None and certificate.birth is not None and is_minor(certificate.birth, ctx.today)
    )


# -- name ----------------------------------------------------------------------------------------------------


def _ask_name(ctx: Context, answers: Answers) -> Reply:
    return ctx.reply("declare.ask_name")


def _read_name(ctx: Context, answers: Answers) -> Read:
    text = unicodedata.normalize("NFKC", ctx.text).strip()
    said = _SAID_NAME.search(text)
    if said is not None:
        return Taken({"name": said["name"].strip()})
    first = _PARTS.split(text)[0].strip()
    # a number behind the name is a certificate's or a phone's; a street has shorter ones, and is no name
    first = re.split(r"\s*(?=[0-9]{11})", first)[0].strip()
    if ctx.understood.intent != Intent.UNKNOWN or not first:
        return None
    if is_name(first):
        return Taken({"name": first})
    return Wrong("declare.name_unclear")


def _show_name(ctx: Context, answers: Answers) -> str:
    return ctx.say("declare.line_name", name=answers["name"])


# -- certificate ---------------------------------------------------------------------------------------------


def _ask_kind(ctx: Context, answers: Answers) -> Reply:
    options = [(kind.value, ctx.say(f"declare.{kind.value}")) for kind, _ in KINDS]
    return numbered(ctx, "declare.ask_certificate_kind", options)


def _read_kind(ctx: Context, answers: Answers) -> Read:
    for kind, words in KINDS:
        if ctx.choice == kind.value or (ctx.choice is None and words.search(ctx.text)):
            number = _NUMBER.search(ctx.text) if ctx.choice is None else None
            return _with_number(ctx, kind, number.group(0) if number else "")
    return None


def _with_number(ctx: Context, kind: CertificateKind, number: str) -> Taken:
    """The kind, and the number if it was said too and can be right."""
    values: Answers = {"certificate_kind": kind.value}
    with suppress(BadRequest):
        certificate = check_certificate(kind.value, number, today=ctx.today, divisions=ctx.places)
        values["certificate_number"] = certificate.number
    return Taken(values)


def _spot_id_card(ctx: Context, answers: Answers) -> Answers:
    """An ID card's number stands out in any text by its form and its check character."""
    if answers.get("certificate_kind") not in (None, CertificateKind.ID_CARD.value):
        return {}
    found = _ID_CARD.search(unicodedata.normalize("NFKC", ctx.text))
    if found is None:
        return {}
    return _with_number(ctx, CertificateKind.ID_CARD, found.group(0)).values


def _show_kind(ctx: Context, answers: Answers) -> str:
    return ctx.say("declare.line_certificate_kind", kind=ctx.say(f"declare.{answers['certificate_kind']}"))


def _ask_number(ctx: Context, answers: Answers) -> Reply:
    if drafted(answers, "certificate_number"):
        return ctx.ask("declare.ask_unlisted_division", ("yes", "declare.number_is_right"))
    return ctx.reply("declare.ask_certificate_number", kind=ctx.say(f"declare.{answers['certificate_kind']}"))


def _read_number(ctx: Context, answers: Answers) -> Read:
    unlisted = drafted(answers, "certificate_number").get("unlisted")
    if unlisted and (ctx.understood.intent == Intent.YES or _RIGHT.search(ctx.text)):
        return Taken({"certificate_number": unlisted})
    kind = answers["certificate_kind"]
    text = unicodedata.normalize("NFKC", ctx.text)
    id_card = _ID_CARD.search(text) if kind == CertificateKind.ID_CARD else None
    found = id_card or _NUMBER.search(text)
    if found is None or not any(character.isdigit() for character in found.group(0)):
        return None
    try:
        number = check_certificate(kind, found.group(0), today=ctx.today, divisions=ctx.places).number
    except BadRequest as error:
        as_id_card = _spot_id_card(ctx, {})
        if "certificate_number" in as_id_card:
            return Taken(as_id_card)
        return _wrong_number(ctx, kind, found.group(0), error.reason)
    return Taken({"certificate_number": number})


def _wrong_number(ctx: Context, kind: str, said: str, reason: str) -> Read:
    """What can't be right about it; a county that isn't in the list may be a gap of the list."""
    if reason == "certificate_division":
        number = check_certificate(kind, said, today=ctx.today).number
        return Partly({"unlisted": number})
    if reason == "certificate_format":
        return Wrong(f"declare.format_{kind}", (("count", sum(each.isalnum() for each in said)),))
    return Wrong(f"declare.{reason}")


def _show_number(ctx: Context, answers: Answers) -> str:
    return ctx.say(
        "declare.line_certificate_number", number=masked_certificate(answers["certificate_number"])
    )


# -- phone ---------------------------------------------------------------------------------------------------


def _ask_phone(ctx: Context, answers: Answers) -> Reply:
    if minor(ctx, answers):
        return ctx.ask("declare.ask_phone_minor", ("none", "declare.no_phone"))
    return ctx.reply("declare.ask_phone")


def _read_phone(ctx: Context, answers: Answers) -> Read:
    found = _PHONE.search(unicodedata.normalize("NFKC", ctx.text))
    if found is not None:
        try:
            return Taken({"phone": check_phone(found.group(0))})
        except BadRequest:
            return Wrong("declare.phone_format", (("count", sum(map(str.isdigit, found.group(0)))),))
    none = ctx.choice == "none" or ctx.understood.intent == Intent.NO or _NO_PHONE.search(ctx.text)
    if not none:
        return (
            Wrong("declare.phone_format", (("count", sum(map(str.isdigit, ctx.text))),))
            if _is_short(ctx)
            else None
        )
    return Taken({"phone": ""}) if minor(ctx, answers) else Wrong("declare.phone_needed")


def _is_short(ctx: Context) -> bool:
    """Digits that were meant as a number, but are too few; a temperature isn't."""
    return (
        ctx.understood.temperature_tenths is None
        and re.fullmatch(r"\s*[0-9 \-]{3,8}\s*", ctx.text) is not None
    )


def _spot_phone(ctx: Context, answers: Answers) -> Answers:
    found = _MOBILE.search(unicodedata.normalize("NFKC", ctx.text))
    if found is None:
        return {}
    try:
        return {"phone": check_phone(found.group(0))}
    except BadRequest:
        return {}


def _show_phone(ctx: Context, answers: Answers) -> str:
    phone = answers["phone"]
    return ctx.say("declare.line_phone", phone=masked_phone(phone) if phone else ctx.say("declare.nothing"))


STEPS = (
    Step(
        "name",
        _ask_name,
        _read_name,
        ("name",),
        show=_show_name,
        why="declare.why_name",
        free=True,
        names=("姓名", "名字", "name"),
    ),
    Step(
        "certificate_kind",
        _ask_kind,
        _read_kind,
        ("certificate_kind",),
        show=_show_kind,
        spot=_spot_id_card,
        why="declare.why_certificate",
        resets=("certificate_number",),
        names=("证件类型", "证件种类", "type", "kind"),
    ),
    Step(
        "certificate_number",
        _ask_number,
        _read_number,
        ("certificate_number",),
        show=_show_number,
        spot=_spot_id_card,
        why="declare.why_certificate",
        names=("证件号", "证件", "身份证", "护照", "number", "document", "id card", "passport"),
    ),
    Step(
        "phone",
        _ask_phone,
        _read_phone,
        ("phone",),
        show=_show_phone,
        spot=_spot_phone,
        why="declare.why_phone",
        names=("手机", "电话", "phone", "phone number", "mobile", "mobile number"),
    ),
)
