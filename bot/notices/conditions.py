"""The one table of what keeps a notice from a person: named SQL conditions over stored columns, with reason codes.

Sender, chat, front end, preview and worklist all ask this table, through `statement`; nothing of it is decided again
in Python. In the conditions `c` is the person who is asked about, `a` one of their accounts, `w` one way of reaching
it for this kind of notice, `s` the account's subscription to the kind, `p` the platform's state. Instants of
platforms are real time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot.channels.outbound import Way
from bot.clock import DEFAULT_ZONE
from bot.notices.kinds import KINDS
from bot.notices.outbox import WITH_ANSWER
from bot.notices.quiet_hours import QUIET_FROM, QUIET_UNTIL

DAILY_CAP = 3
"""So many messages a day that a person didn't ask for and that aren't urgent, whoever sends them."""

REMINDER = "punch_in_reminder"
CHOSEN_LASTS = 60
"""For so many minutes the time that somebody chose for their reminder wins over their quiet hours."""


class Level(StrEnum):
    """What a condition closes: everything of a person, an account, or one way to an account."""

    PERSON = "person"
    ACCOUNT = "account"
    WAY = "way"


class Ends(StrEnum):
    """What ends a condition: something that happens, or the clock at a known instant."""

    EVENT = "event"
    QUIET = "end of the quiet hours"
    DAY = "next day"
    PAUSE = "end of the pause"
    BREAK = "end of the break"


@dataclass(frozen=True, slots=True)
class Condition:
    """Under `sql` nothing goes; `why` is the reason why it is asked, for operators."""

    reason: str
    level: Level
    sql: str
    why: str
    ends: Ends = Ends.EVENT


_WINDOW = "(a.window_until IS NOT NULL AND a.window_until > c.wire)"
_MOMENT = "(a.moment_until IS NOT NULL AND a.moment_until > c.wire)"
WINDOW_SENDS = f"({_WINDOW} AND a.window_left > 0)"
"""The window of a message still allows a send."""
MOMENT_SENDS = f"({_MOMENT} AND a.moment_left > 0)"
"""The short window of an event still allows one."""

_BY_SERVICE = f"w.way = '{Way.CUSTOMER_SERVICE}'"
_BY_SUBSCRIPTION = f"w.way = '{Way.SUBSCRIPTION}'"
_FORMS = "FROM form_tokens t WHERE t.account_id = a.id AND t.expires_at > c.wire"
_QUIET = (
    "c.quiet_from <> c.quiet_until AND CASE WHEN c.quiet_from < c.quiet_until"
    " THEN c.minute >= c.quiet_from AND c.minute < c.quiet_until"
    " ELSE c.minute >= c.quiet_from OR c.minute < c.quiet_until END"
)
_CHOSEN = f"c.kind = '{REMINDER}' AND c.chosen >= 0 AND c.minute >= c.chosen AND c.minute < c.chosen + {CHOSEN_LASTS}"

CONDITIONS: tuple[Condition, ...] = (
    Condition(
        "no_account", Level.PERSON, "a.id IS NULL",
        "nobody is there on any channel, or not the account that it must go to",
    ),
    Condition(
        "no_consent", Level.ACCOUNT, "a.consent <> 'given' AND c.asked = 0",
        "who hasn't agreed, or no longer does, gets answers to what they wrote and nothing else",
    ),
    Condition(
        "blocked", Level.ACCOUNT, "a.blocked",
        "the platform says that the account has shut us out or is gone; every further send is refused",
    ),
    Condition(
        "channel_off", Level.ACCOUNT, "a.id IS NOT NULL AND w.way IS NULL",
        "the channel isn't set up here, or has no way for this kind of notice",
    ),
    Condition(
        "unfollowed", Level.WAY, "w.follows = 1 AND NOT a.following",
        "the platform takes messages for followers only; a mini-program's own ways don't ask for it",
    ),
    Condition(
        "window_closed", Level.WAY, f"{_BY_SERVICE} AND NOT {_WINDOW} AND NOT {_MOMENT}",
        "plain words may only be sent for a while after a contact; later ones are refused (45015)",
    ),
    Condition(
        "window_used_up", Level.WAY,
        f"{_BY_SERVICE} AND ({_WINDOW} OR {_MOMENT}) AND NOT {WINDOW_SENDS} AND NOT {MOMENT_SENDS}",
        "a contact allows a few sends only; more are refused (45047) until the next contact",
    ),
    Condition(
        "no_template", Level.WAY, "w.template = 0",
        "a template of the platform is needed and none is set for this kind",
    ),
    Condition(
        "not_subscribed", Level.WAY, f"{_BY_SUBSCRIPTION} AND s.id IS NULL",
        "the platform sends only what somebody agreed to (43101), and this was never asked or answered",
    ),
    Condition(
        "subscription_refused", Level.WAY, f"{_BY_SUBSCRIPTION} AND s.standing IN ('refused', 'banned')",
        "a no to this kind of notice is respected, and the platform would refuse it",
    ),
    Condition(
        "subscription_used_up", Level.WAY, f"{_BY_SUBSCRIPTION} AND s.standing = 'once' AND s.balance <= 0",
        "each consent allows one notice, and all have been used",
    ),
    Condition(
        "no_form", Level.WAY, f"w.form = 1 AND NOT EXISTS (SELECT 1 {_FORMS})",
        "Alipay sends a template only against a form submitted within seven days",
    ),
    Condition(
        "platform_paused", Level.WAY, "p.paused_until > c.wire",
        "the platform asked for a rest: a quota is used up, or it failed too often",
        ends=Ends.PAUSE,
    ),
    Condition(
        "platform_broken", Level.WAY, "p.broken_until > c.wire",
        "the app is set up wrongly, and trying on would only make it worse",
        ends=Ends.BREAK,
    ),
    Condition(
        "quiet_hours", Level.PERSON, f"c.bound = 1 AND {_QUIET} AND NOT ({_CHOSEN})",
        "nobody is woken for what can wait: 22:00 to 07:00 there, or the hours that the person chose;"
        f" a reminder may come within {CHOSEN_LASTS} minutes of the time that they chose for it",
        ends=Ends.QUIET,
    ),
    Condition(
        "daily_cap", Level.PERSON, f"c.bound = 1 AND c.told >= {DAILY_CAP}",
        f"{DAILY_CAP} unasked messages a day are enough, over all senders and channels",
        ends=Ends.DAY,
    ),
)  # fmt: skip
BY_REASON: Mapping[str, Condition] = {condition.reason: condition for condition in CONDITIONS}

_ASKED = ", ".join(f"'{kind.name}'" for kind in KINDS.values() if kind.asked)
_COUNTS = (  # what the daily cap counts; a notice told with an answer disturbed nobody
    f"n.person_id = o.person_id AND n.priority = 0 AND n.way <> '{WITH_ANSWER}' AND n.kind NOT IN ({_ASKED})"
)
_TOLD = (
    f"(SELECT count(*) FROM notices n WHERE {_COUNTS} AND n.state = 'sent' AND n.sent_at >= h.day_begins)"  # noqa: S608 - our own names
    f" + (SELECT count(*) FROM notices n WHERE {_COUNTS} AND n.state = 'unknown'"
    " AND COALESCE(n.sent_at, n.created_at) >= h.day_begins)"
    f" + (SELECT count(*) FROM notices n WHERE {_COUNTS} AND n.state = 'sending' AND h.today = 1)"
)
_MASK = " + ".join(
    f"CASE WHEN {condition.sql} THEN {1 << bit} ELSE 0 END" for bit, condition in enumerate(CONDITIONS)
)

# what is given as data, a list of rows each
_ASKED_COLUMNS = {
    "n": "int", "person_id": "bigint", "account_id": "bigint", "kind": "text", "asked": "int", "bound": "int",
    "moment": "int", "wire": "timestamptz",
}  # fmt: skip
_HOURS_COLUMNS = {
    "moment": "int",
    "zone": "text",
    "minute": "int",
    "day_begins": "timestamptz",
    "today": "int",
}
_PATHS_COLUMNS = {
    "kind": "text", "channel": "text", "way": "text", "place": "int", "app": "text", "template": "int",
    "form": "int", "follows": "int",
}  # fmt: skip

COLUMNS = (
    "c.n", "failing", "c.zone", "c.minute", "c.quiet_until", "a.id", "a.channel", "w.way", "w.app",
    "a.external_sealed", "a.language", "spends", "a.window_until", "a.moment_until", "s.standing", "s.balance",
    "p.paused_until", "p.broken_until", "form_id", "form_sealed",
)  # fmt: skip
"""What a row of the answer holds. `failing` has the bit of every condition that holds; 0: the way is open."""


def reasons_of(failing: int) -> tuple[Condition, ...]:
    """The conditions whose bits are set."""
    return tuple(condition for bit, condition in enumerate(CONDITIONS) if failing & 1 << bit)


def statement(dialect: str) -> str:
    """The query that every decision comes from, with three parameters of JSON: questions, wall clocks, ways.

    It gives a row for every question, account and way, the best way first: in the order of the kind, then the
    account whose window lasts longest, which is the one that was written from last.
    """
    form = f"CASE WHEN w.form = 1 THEN (SELECT t.%s {_FORMS} ORDER BY t.expires_at, t.id LIMIT 1) END"
    made = {
        "failing": f"{_MASK} AS failing",
        "spends": f"CASE WHEN NOT {_BY_SERVICE} THEN '' WHEN {MOMENT_SENDS} THEN 'moment' ELSE 'window' END",
        "form_id": form % "id",
        "form_sealed": form % "form_sealed",
    }
    return f"""
WITH {given_rows(dialect, "asked", _ASKED_COLUMNS)},
{given_rows(dialect, "hours", _HOURS_COLUMNS)},
{given_rows(dialect, "paths", _PATHS_COLUMNS)},
persons AS MATERIALIZED (
  SELECT q.*, (SELECT l.resident_id FROM accounts x
    {_join(dialect, "CROSS", "account_residents l", "l.account_id = x.id AND l.relation = 'self'")}
    WHERE x.person_id = q.person_id ORDER BY l.since, l.id LIMIT 1) AS own FROM asked q),
zoned AS MATERIALIZED (
  SELECT q.*, COALESCE(r.zone, '{DEFAULT_ZONE}') AS zone, COALESCE(r.quiet_from, {QUIET_FROM}) AS quiet_from,
    COALESCE(r.quiet_until, {QUIET_UNTIL}) AS quiet_until, COALESCE(r.reminder_minute, -1) AS chosen
  FROM persons q {_join(dialect, "LEFT", "residents r", "r.resident_id = q.own")}),
counted AS MATERIALIZED (
  SELECT o.*, h.minute, CASE WHEN o.bound = 1 THEN {_TOLD} ELSE 0 END AS told
  FROM zoned o LEFT JOIN hours h ON h.moment = o.moment AND h.zone = o.zone)
SELECT {", ".join(made.get(column, column) for column in COLUMNS)}
FROM counted c
{_join(dialect, "LEFT", "accounts a", "a.person_id = c.person_id AND (c.account_id IS NULL OR a.id = c.account_id)")}
LEFT JOIN paths w ON w.kind = c.kind AND w.channel = a.channel
{_join(dialect, "LEFT", "subscriptions s", f"s.account_id = a.id AND s.kind = c.kind AND {_BY_SUBSCRIPTION}")}
{_join(dialect, "LEFT", "platform_states p", "p.name = w.app")}
ORDER BY c.n, w.place, a.window_until IS NULL, a.window_until DESC, a.id"""  # noqa: S608 - our own names


def _join(dialect: str, how: str, table: str, condition: str) -> str:
    """Join by looking up each row. PostgreSQL would rather read a whole table where it doesn't know how large it
    is, and here a few dozen are asked about; it doesn't move a subquery with OFFSET."""
    if dialect == "sqlite":
        return f"{how} JOIN {table} ON {condition}"
    alias = table.split()[1]
    on = "" if how == "CROSS" else " ON TRUE"
    return f"{how} JOIN LATERAL (SELECT * FROM {table} WHERE {condition} OFFSET 0) {alias}{on}"  # noqa: S608


def given_rows(dialect: str, name: str, columns: Mapping[str, str]) -> str:
    """A list of lists, given as JSON, as a table.

    PostgreSQL takes any such list for a hundred rows and would compile the whole query before it runs, which takes
    longer than the query. That no number is below 0 always holds; it expects fewer rows of each such condition.
    """
    if dialect == "sqlite":
        picked = ", ".join(f"json_extract(value, '$[{place}]')" for place in range(len(columns)))
        return f"{name}({', '.join(columns)}) AS MATERIALIZED (SELECT {picked} FROM json_each(?))"  # noqa: S608
    typed = [(f"(value->>{place})::{kind}", kind) for place, kind in enumerate(columns.values())]
    holds = " AND ".join(["true", *(f"{value} >= 0" for value, kind in typed if kind == "int")])
    picked = ", ".join(value for value, _ in typed)
    return (
        f"{name}({', '.join(columns)}) AS MATERIALIZED"  # noqa: S608
        f" (SELECT {picked} FROM jsonb_array_elements(?::jsonb) AS given(value) WHERE {holds})"
    )
