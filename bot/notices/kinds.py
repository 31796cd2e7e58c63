"""Every kind of notice: in which ways it may go, and whether it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.channels.outbound import Way

_EVERY_WAY = (Way.SIMULATOR, Way.CUSTOMER_SERVICE, Way.SUBSCRIPTION, Way.TEMPLATE)
_IN_THE_WINDOW = (Way.SIMULATOR, Way.CUSTOMER_SERVICE)


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """One kind. `ways` are tried in this order. `asked`: it answers the person, so that neither the night nor the
    daily cap holds it back. `own_account`: it goes to the very account it was written for, or nowhere."""

    name: str
    ways: tuple[Way, ...]
    asked: bool = False
    own_account: bool = False


KINDS: Mapping[str, NoticeKind] = {
    kind.name: kind
    for kind in (
        NoticeKind("colour_changed", _EVERY_WAY),
        NoticeKind("asked_first", _EVERY_WAY),
        # whoever asked has a window open; a template couldn't hold the words of the answer
        NoticeKind("result", _IN_THE_WINDOW, asked=True),
        NoticeKind("not_done", _IN_THE_WINDOW, asked=True),
        # the words of an answer go through the window that the question opened, never through a subscription
        NoticeKind("answer", _IN_THE_WINDOW, asked=True, own_account=True),
        # a notice that the last one is near must not use it up
        NoticeKind("subscription_low", _IN_THE_WINDOW),
        NoticeKind("link_asked", _EVERY_WAY),
        NoticeKind("link_answered", _IN_THE_WINDOW, asked=True, own_account=True),
        NoticeKind("punch_in_reminder", _EVERY_WAY),
        NoticeKind("code_expiring", _EVERY_WAY),
        # somebody wants to report for the person: asked, or told how it went on
        NoticeKind("binding_asked", _EVERY_WAY),
        NoticeKind("binding_changed", _EVERY_WAY),
        # to workers: somebody in their scope needs to be looked after
        NoticeKind("follow_up", _EVERY_WAY),
        # it answers whoever wanted it, who may have taken consent back before
        NoticeKind("deletion", _EVERY_WAY, asked=True),
    )
}
