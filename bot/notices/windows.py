"""The platforms' customer-service windows: what each kind of contact opens, kept with the account that made it.

Official account: a message opens 5 sends within 48 hours, a click, a scan or following 3 within a minute. Mini-program:
a message 5 within 48 hours, entering the chat 2 within a minute. A new contact renews its window. Alipay: a message
opens 48 hours, following and clicks five minutes, entering the chat one send a day; the platform names no counts
for the others, so that these are only bounded by time. (Platforms' documents; Alipay's chat window is known from
practice alone.)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.channels.names import ALIPAY, MINI, OFFICIAL
from bot.message import Incoming, Kind
from bot.store.snapshot import Account
from bot.store.work import Work

UNCOUNTED = 1000
_RENEWAL = timedelta(hours=1)  # an untouched window is not written again for every message


@dataclass(frozen=True, slots=True)
class Window:
    """How many sends a contact allows, and for how long. That of a message has a count of its own beside that of
    events."""

    sends: int
    lasts: timedelta
    of_message: bool = False


_MESSAGE = Window(5, timedelta(hours=48), of_message=True)
_OFFICIAL_EVENT = Window(3, timedelta(minutes=1))
_ALIPAY_MESSAGE = Window(UNCOUNTED, timedelta(hours=48), of_message=True)
_ALIPAY_EVENT = Window(UNCOUNTED, timedelta(minutes=5))
_FROM_THE_PERSON = frozenset(Kind) - {Kind.UNFOLLOW, Kind.DELIVERY}
CONTACTS = _FROM_THE_PERSON - {Kind.SUBSCRIPTION, Kind.CALL}
"""What somebody does in the chat itself."""
_SAID = (Kind.TEXT, Kind.VOICE, Kind.IMAGE, Kind.LOCATION, Kind.PAGE)

WINDOWS: Mapping[tuple[str, Kind], Window] = {
    **{(OFFICIAL, kind): _MESSAGE for kind in _SAID},
    **{(OFFICIAL, kind): _OFFICIAL_EVENT for kind in (Kind.MENU, Kind.FOLLOW, Kind.SCAN)},
    **{(MINI, kind): _MESSAGE for kind in _SAID},
    (MINI, Kind.ENTER): Window(2, timedelta(minutes=1)),
    **{(ALIPAY, kind): _ALIPAY_MESSAGE for kind in _SAID},
    **{(ALIPAY, kind): _ALIPAY_EVENT for kind in (Kind.FOLLOW, Kind.MENU)},
    (ALIPAY, Kind.ENTER): Window(1, timedelta(hours=24)),
}


def note_contact(work: Work, account: Account, message: Incoming, *, wire: datetime) -> None:
    """Record the window that this message opens; an untouched one is renewed at most once an hour.

    Whoever writes can be written to again, whatever was thought of the account.
    """
    if message.kind in _FROM_THE_PERSON and (account.blocked or not account.following):
        account.blocked, account.following = False, True
        work.update("accounts", {"id": account.id}, blocked=False, following=True)
    window = WINDOWS.get((message.channel, message.kind))
    if window is None:
        return
    until = wire + window.lasts
    if not window.of_message:
        work.update("accounts", {"id": account.id}, moment_until=until, moment_left=window.sends)
        return
    fresh = account.window_until is not None and account.window_until > until - _RENEWAL
    if fresh and account.window_left >= window.sends:
        return
    work.update("accounts", {"id": account.id}, window_until=until, window_left=window.sends)
