"""The words of a notice: for the dispatcher in the form that a way takes, for the simulator, and for the next answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any

import orjson
from jinja2 import TemplateError

from bot.channels.outbound import FilledTemplate, Outgoing, Way, Words
from bot.channels.wechat.replies import fit
from bot.conversation.texts import LANGUAGES, Texts
from bot.core.model import Colour, State
from bot.errors import NoWords, Unsealable
from bot.notices.outbox import CONTEXT
from bot.notices.templates import NoticeTemplates
from bot.services import colour_notices
from bot.services.world import World

if TYPE_CHECKING:
    from bot.notices.claims import Claimed
    from bot.notices.reachability import Channel

FORM_CONTEXT = "form_tokens.form"
_IN_WORDS = frozenset({Way.CUSTOMER_SERVICE, Way.SIMULATOR})
_COLOURS = frozenset(colour.value for colour in Colour)


def notice_text(
    world: World, texts: Texts, language: str, *, kind: str, params_sealed: bytes, urgent: bool = False
) -> str:
    """The text of a notice in that language; codes in its parameters become words. NoWords if it has none."""
    try:
        params = world.keys.open_json(CONTEXT, params_sealed)
        if kind == "answer":  # an answer is in its words already
            return str(params["text"])
        worded = worded_params(world, texts, language, kind=kind, params=params)
        return texts.say(language, f"notice.{kind}", urgent=urgent, **worded)
    except (Unsealable, TemplateError, KeyError, TypeError, ValueError) as error:
        raise NoWords(f"a notice of kind {kind} has no words: {type(error).__name__}") from error


def worded_params(
    world: World, texts: Texts, language: str, *, kind: str, params: Mapping[str, Any]
) -> dict[str, Any]:
    """The parameters of a notice with words of that language in the place of codes."""
    worded = dict(params)
    if kind == colour_notices.KIND:
        listed = colour_notices.changes_in(worded)
        changes = [
            {
                "scheme": _scheme(world, language, scheme),
                "old": _colour(texts, language, old),
                "new": _colour(texts, language, new),
                "pending": state == State.PENDING,
            }
            for scheme, old, _, new, state in listed
        ]
        return {"changes": changes, "others": len(changes) - 1} | changes[0]
    if "scheme" in worded:
        worded["scheme"] = _scheme(world, language, str(worded["scheme"]))
    if worded.get("new") in _COLOURS:
        worded["new"] = _colour(texts, language, worded["new"])
    if kind == "subscription_low":
        worded["what"] = texts.say(language, f"reachable.kind_{worded['kind']}")
    if "platform" in worded:
        worded["platform"] = texts.say(language, f"notice.on_{worded['platform']}")
    return worded


def _scheme(world: World, language: str, scheme: str) -> str:
    known = world.schemes.get(scheme)
    if known is None:
        raise KeyError(scheme)
    return known.name[language if language in known.name else "zh"]


def _colour(texts: Texts, language: str, colour: str) -> str:
    return texts.say(language, f"notice.{colour}")


class Composer:
    """Puts claimed notices into the form that their channel takes."""

    def __init__(
        self,
        world: World,
        texts: Texts,
        templates: NoticeTemplates,
        template_ids: Mapping[str, Mapping[str, str]],
    ) -> None:
        """`template_ids` is channel -> kind -> the platform's id of the template."""
        self._world = world
        self._texts = texts
        self._templates = templates
        self._ids = template_ids
        self._filled = lru_cache(maxsize=4096)(self._fill)  # what can be said in templates is little

    def check(self, *, every_pair: bool = False) -> None:
        """Hold every template against its platform's rules with what it may have to say: every scheme, every
        change of colour, alone and with others. `every_pair`: each scheme with each change, for the tests."""
        self._templates.check(
            {
                kind: {language: tuple(self._samples(kind, language, every_pair)) for language in LANGUAGES}
                for kind in (colour_notices.KIND, "asked_first", "link_asked")
            }
        )

    def compose(self, notice: Claimed, channel: Channel) -> Outgoing:
        """What is sent; NoWords for a notice that can't be read, or has no template there."""
        if channel.way in _IN_WORDS:
            text = notice_text(
                self._world,
                self._texts,
                channel.language,
                kind=notice.kind,
                params_sealed=notice.params_sealed,
                urgent=notice.priority > 0,
            )
            return Words(fit(text)[0])
        try:
            plain = self._world.keys.open_bytes(CONTEXT, notice.params_sealed)
            fields, page = self._filled(channel.channel, notice.kind, channel.language, plain)
            form = (
                ""
                if channel.form_sealed is None
                else self._world.keys.open(FORM_CONTEXT, channel.form_sealed)
            )
            template_id = self._ids[channel.channel][notice.kind]
        except (Unsealable, TemplateError, KeyError, TypeError, ValueError) as error:
            raise NoWords(f"a notice of kind {notice.kind} has no words: {type(error).__name__}") from error
        return FilledTemplate(template_id, fields, page=page, language=channel.language, form=form)

    def _fill(self, channel: str, kind: str, language: str, plain: bytes) -> tuple[dict[str, str], str]:
        template = self._templates.get(channel, kind)
        if template is None:
            raise KeyError(kind)
        worded = worded_params(self._world, self._texts, language, kind=kind, params=orjson.loads(plain))
        return template.fill(language, worded), template.page

    def _samples(self, kind: str, language: str, every_pair: bool) -> Iterator[dict[str, Any]]:
        # the longest name first: it stands for the others where not every pair is wanted
        longest_first = sorted(self._world.schemes, key=lambda one: -len(one.name.get(language, "")))
        for params in _possible(kind, tuple(scheme.id for scheme in longest_first), every_pair):
            yield worded_params(self._world, self._texts, language, kind=kind, params=params)


def _possible(kind: str, schemes: tuple[str, ...], every_pair: bool) -> Iterator[dict[str, Any]]:
    colours = sorted(_COLOURS)
    if kind == "link_asked":
        yield from ({"platform": name} for name in ("wechat_official", "wechat_mini", "alipay", "simulator"))
    elif kind == "asked_first":
        for number, scheme in enumerate(schemes):
            many = every_pair or number == 0
            for others in (0, 1, len(schemes)) if many else (0,):
                found = ("", *colours) if many else ("",)
                yield from ({"scheme": scheme, "others": others, "new": new} for new in found)
    else:
        for number, (old, new) in enumerate(product(colours, repeat=2)):
            for scheme in schemes if every_pair or number == 0 else schemes[:1]:
                change = [scheme, old, "decided", new, "decided"]
                yield {"changes": [change]}
                yield {"changes": [change, *([each, old, "decided", new, "decided"] for each in schemes)]}
