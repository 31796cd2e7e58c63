"""The words of a notice: for the dispatcher in the form that a way takes, for the simulator, and for the next answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import orjson
from jinja2 import TemplateError

from bot.channels.outbound import FilledTemplate, Outgoing, Way, Words
from bot.channels.wechat.replies import fit
from bot.conversation.notice_words import NOTICES, worded_params
from bot.conversation.texts import LANGUAGES, Texts
from bot.errors import NoWords, Unsealable
from bot.notices.outbox import CONTEXT
from bot.notices.templates import NoticeTemplates
from bot.services.world import World

if TYPE_CHECKING:
    from bot.notices.claims import Claimed
    from bot.notices.reachability import Channel

FORM_CONTEXT = "form_tokens.form"
_IN_WORDS = frozenset({Way.CUSTOMER_SERVICE, Way.SIMULATOR})


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
                for kind, words in NOTICES.items()
                if words.possible is not None
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
        possible = NOTICES[kind].possible
        assert possible is not None
        # the longest name first: it stands for the others where not every pair is wanted
        longest_first = sorted(self._world.schemes, key=lambda one: -len(one.name.get(language, "")))
        for params in possible(tuple(scheme.id for scheme in longest_first), every_pair):
            yield worded_params(self._world, self._texts, language, kind=kind, params=params)
