"""For every kind of notice how its parameters become words, and everything that it may have to say on a template."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import product
from typing import Any

from bot.channels.names import ALIPAY, MINI, OFFICIAL
from bot.channels.simulator import CHANNEL as SIMULATOR
from bot.clock import DEFAULT_ZONE, resident_day
from bot.conversation.texts import Texts
from bot.conversation.words import day_in, moment_in
from bot.core.model import Colour, State
from bot.services import colour_notices
from bot.services.world import World

Params = Mapping[str, Any]
_COLOURS = frozenset(colour.value for colour in Colour)
# the longest day in either language, and a moment on it: 30 September, 23:59 in Shanghai
_LONG_DAY = "2020-09-30"
_LONG_MOMENT = "2020-09-30T15:59:00+00:00"
_MANY = 99


@dataclass(frozen=True, slots=True)
class Language:
    """Where words come from: the texts, and the names that schemes have."""

    world: World
    texts: Texts
    name: str

    def say(self, key: str, **params: Any) -> str:
        return self.texts.say(self.name, key, **params)

    def scheme(self, scheme: str) -> str:
        """The name of a scheme; KeyError where it is no longer configured."""
        known = self.world.schemes.get(scheme)
        if known is None:
            raise KeyError(scheme)
        return known.name[self.name if self.name in known.name else "zh"]

    def colour(self, colour: str) -> str:
        return self.say(f"notice.{colour}")


@dataclass(frozen=True, slots=True)
class NoticeWords:
    """One kind: its parameters in words, and for the kinds that platforms' templates carry all that these can be,
    given the schemes and whether each scheme is wanted with each change of colour."""

    worded: Callable[[Language, Params], dict[str, Any]]
    possible: Callable[[tuple[str, ...], bool], Iterable[Params]] | None = None


def worded_params(world: World, texts: Texts, language: str, *, kind: str, params: Params) -> dict[str, Any]:
    """The parameters of a notice with words of that language in the place of codes."""
    return NOTICES[kind].worded(Language(world, texts, language), params)


# -- colours -------------------------------------------------------------------------------------------------


def _changes(language: Language, params: Params) -> dict[str, Any]:
    changes = [
        {
            "scheme": language.scheme(scheme),
            "old": language.colour(old),
            "new": language.colour(new),
            "pending": state == State.PENDING,
        }
        for scheme, old, _, new, state in colour_notices.changes_in(dict(params))
    ]
    whose = {"member": bool(params.get("member"))}
    return {"changes": changes, "others": len(changes) - 1} | whose | changes[0]


def _possible_changes(schemes: tuple[str, ...], every_pair: bool) -> Iterator[Params]:
    for number, (old, new) in enumerate(product(sorted(_COLOURS), repeat=2)):
        for scheme in schemes if every_pair or number == 0 else schemes[:1]:
            change = [scheme, old, "decided", new, "decided"]
            yield {"changes": [change]}
            yield {"changes": [change, *([each, old, "decided", new, "decided"] for each in schemes)]}


def _question(language: Language, params: Params) -> dict[str, Any]:
    new = params.get("new")
    said = language.colour(new) if new in _COLOURS else new
    return {**params, "scheme": language.scheme(str(params["scheme"])), "new": said}


def _possible_questions(schemes: tuple[str, ...], every_pair: bool) -> Iterator[Params]:
    for number, scheme in enumerate(schemes):
        many = every_pair or number == 0
        for others in (0, 1, len(schemes)) if many else (0,):
            found = ("", *sorted(_COLOURS)) if many else ("",)
            yield from ({"scheme": scheme, "others": others, "new": new} for new in found)


def _expiring(language: Language, params: Params) -> dict[str, Any]:
    first, *others = (language.scheme(scheme) for scheme in params["schemes"])
    at, zone = datetime.fromisoformat(params["at"]), str(params.get("zone", DEFAULT_ZONE))
    # a warning is a matter of hours: the year would only be in the way
    year = resident_day(at, zone).year
    moment = moment_in(language.texts, language.name, at, zone, this_year=year)
    return {"schemes": [first, *others], "scheme": first, "others": len(others), "at": moment}


def _possible_expiring(schemes: tuple[str, ...], every_pair: bool) -> Iterator[Params]:
    moment = {"at": _LONG_MOMENT, "zone": DEFAULT_ZONE}
    yield from ({"schemes": [scheme], **moment} for scheme in schemes)
    yield {"schemes": list(schemes), **moment}
    yield {"schemes": list(schemes[:2]), **moment}


# -- people --------------------------------------------------------------------------------------------------


def _reminder(language: Language, params: Params) -> dict[str, Any]:
    return {"second": bool(params.get("second")), "members": int(params.get("members", 0))}


def _possible_reminders(schemes: tuple[str, ...], every_pair: bool) -> Iterator[Params]:
    for second, members in product((False, True), (0, 1, _MANY)):
        yield {"second": second, "members": members}


def _binding(language: Language, params: Params) -> dict[str, Any]:
    what = str(params["what"])
    return {
        "what": language.say(f"notice.binding_{what}"),
        "short": language.say(f"notice.binding_{what}_short"),
    }


def _follow_up(language: Language, params: Params) -> dict[str, Any]:
    reason = str(params["reason"])
    return {
        "what": language.say(f"notice.follow_up_{reason}"),
        "short": language.say(f"notice.follow_up_{reason}_short"),
    }


def _deletion(language: Language, params: Params) -> dict[str, Any]:
    what, day = str(params["what"]), date.fromisoformat(params["day"])
    said = {"day": day_in(language.texts, language.name, day, with_year=True)}
    return {
        "what": language.say(f"notice.deletion_{what}", **said),
        "short": language.say(f"notice.deletion_{what}_short", **said),
    }


# -- accounts ------------------------------------------------------------------------------------------------


def _platform(language: Language, params: Params) -> dict[str, Any]:
    return {**params, "platform": language.say(f"notice.on_{params['platform']}")}


def _subscription(language: Language, params: Params) -> dict[str, Any]:
    return {**params, "what": language.say(f"reachable.kind_{params['kind']}")}


def _as_it_is(language: Language, params: Params) -> dict[str, Any]:
    return dict(params)


def _one_of(name: str, *values: str) -> Callable[[tuple[str, ...], bool], Iterable[Params]]:
    return lambda schemes, every_pair: [{name: value} for value in values]


def _nothing(schemes: tuple[str, ...], every_pair: bool) -> Iterable[Params]:
    return [{}]


def _possible_deletions(schemes: tuple[str, ...], every_pair: bool) -> Iterable[Params]:
    return [{"what": what, "day": _LONG_DAY} for what in DELETIONS]


BINDING_CHANGES = ("confirmed", "refused", "expired", "released", "of_age")
FOLLOW_UPS = ("abnormal", "binding")
DELETIONS = ("asked", "done", "cancelled")

NOTICES: Mapping[str, NoticeWords] = {
    colour_notices.KIND: NoticeWords(_changes, _possible_changes),
    "asked_first": NoticeWords(_question, _possible_questions),
    "result": NoticeWords(_as_it_is),
    "not_done": NoticeWords(_as_it_is),
    "answer": NoticeWords(_as_it_is),
    "subscription_low": NoticeWords(_subscription),
    "link_asked": NoticeWords(_platform, _one_of("platform", OFFICIAL, MINI, ALIPAY, SIMULATOR)),
    "link_answered": NoticeWords(_platform),
    "punch_in_reminder": NoticeWords(_reminder, _possible_reminders),
    "code_expiring": NoticeWords(_expiring, _possible_expiring),
    "binding_asked": NoticeWords(_as_it_is, _nothing),
    "binding_changed": NoticeWords(_binding, _one_of("what", *BINDING_CHANGES)),
    "follow_up": NoticeWords(_follow_up, _one_of("reason", *FOLLOW_UPS)),
    "deletion": NoticeWords(_deletion, _possible_deletions),
}
"""Every kind of notice."""
