"""Why a row stays beyond its days, and when rows end that have none: named SQL conditions that the purge reads.

Each is over a row `t` of its tables. `:now` is the purge's instant, `:wire` the real one, `:limit` and `:limit_day` are
those before which a row of that table is past its days.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_MARK = re.compile(r":(now|wire|limit_day|limit)\b")

# A fact stands beyond its days while it goes on, or while a code rests on it: the digits of its id stand in the
# assessment, which at worst keeps one fact too many.
_GOES_ON = (
    "({f}.end_day IS NULL AND {f}.withdrawn_at IS NULL AND {f}.kind IN ('measure', 'other_place_colour', 'override')"
    " AND NOT EXISTS (SELECT 1 FROM facts o WHERE o.resident_id = {f}.resident_id AND o.kind = 'measure_lifted'"
    " AND {f}.kind = 'measure' AND o.withdrawn_at IS NULL AND o.start_day >= {f}.start_day))"
)
_IN_CODE = (
    "EXISTS (SELECT 1 FROM health_codes c WHERE c.resident_id = {f}.resident_id"
    " AND c.assessment LIKE '%' || CAST({f}.id AS VARCHAR(20)) || '%')"
)
_YOUNG = (  # the columns of `facts` in the table of what is kept
    "({f}.known_at >= :limit OR {f}.start_day >= :limit_day OR {f}.end_day >= :limit_day"
    " OR {f}.withdrawn_at >= :limit)"
)
_STANDS = f"({_YOUNG} OR {_GOES_ON} OR {_IN_CODE})"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition: over which tables it may be asked, its SQL, and why, for operators."""

    name: str
    tables: frozenset[str]
    sql: str
    why: str


@dataclass(frozen=True, slots=True)
class End:
    """What rows without days of their own last until. `gone` is the SQL of one whose end has come; None: somebody
    else takes it away, or nobody."""

    name: str
    tables: frozenset[str]
    gone: str | None
    why: str


def marked(sql: str) -> tuple[str, tuple[str, ...]]:
    """The same SQL with `?`, and which value belongs to each, in order."""
    return _MARK.sub("?", sql), tuple(_MARK.findall(sql))


def _conditions(*rows: tuple[str, Collection[str], str, str]) -> Mapping[str, Condition]:
    return {name: Condition(name, frozenset(tables), sql, why) for name, tables, sql, why in rows}


CONDITIONS: Mapping[str, Condition] = _conditions(
    # -- people ----------------------------------------------------------------------------------------------
    (
        "consent_given",
        ["accounts"],
        "t.consent = 'given'",
        "somebody who agreed uses it",
    ),
    (
        "speaks_for_members",
        ["accounts"],
        "EXISTS (SELECT 1 FROM account_residents l WHERE l.account_id = t.id AND l.relation = 'guardian')",
        "members depend on it",
    ),
    (
        "written_lately",
        ["accounts"],
        "(t.window_until > :wire OR t.moment_until > :wire)",
        "its owner is just writing",
    ),
    (
        "guards_members",
        ["residents"],
        "EXISTS (SELECT 1 FROM guardianships g WHERE g.guardian_id = t.resident_id AND g.state = 'active')",
        "members are active",
    ),
    (
        "deletion_waits",
        ["residents"],
        "EXISTS (SELECT 1 FROM deletion_requests d WHERE d.resident_id = t.resident_id AND d.state = 'asked')",
        "a deletion of it is not done",
    ),
    (
        "lived_in",
        ["households"],
        "EXISTS (SELECT 1 FROM residents r WHERE r.household_id = t.id)",
        "somebody belongs to it",
    ),
    (
        "binding_open",
        ["guardianships"],
        "t.state IN ('asked', 'active')",
        "the binding is asked for, or in force",
    ),
    (
        "verification_stands",
        ["identity_checks"],
        "(t.outcome = 'verified' AND EXISTS (SELECT 1 FROM residents r WHERE r.resident_id = t.resident_id"
        " AND r.identity = 'verified'))",
        "the identity rests on it",
    ),
    (
        "link_open",
        ["link_requests"],
        "(t.state = 'asked' AND t.expires_at > :now)",
        "it can still be answered",
    ),
    (
        "deletion_asked",
        ["deletion_requests"],
        "t.state = 'asked'",
        "it is not done yet",
    ),
    # -- reports and what colours rest on --------------------------------------------------------------------
    (
        "newest_declaration",
        ["declarations"],
        "NOT EXISTS (SELECT 1 FROM declarations o WHERE o.resident_id = t.resident_id AND o.revision > t.revision)",
        "it is what the resident states now",
    ),
    (
        "stated_fact",
        ["declarations"],
        "EXISTS (SELECT 1 FROM facts f WHERE f.resident_id = t.resident_id AND f.source = 'declaration'"
        " AND f.withdrawn_at IS NULL AND f.reference LIKE t.receipt || ':%')",
        "a fact rests on it",
    ),
    (
        "counts_for_fact",
        ["punch_ins", "punch_in_log"],
        "EXISTS (SELECT 1 FROM facts f WHERE f.resident_id = t.resident_id AND f.withdrawn_at IS NULL"
        " AND f.start_day <= t.day)",
        "a fact that stands counts the days since",
    ),
    (
        "fact_goes_on",
        ["facts"],
        _GOES_ON.format(f="t"),
        "nothing has ended it",
    ),
    (
        "code_stands_on",
        ["facts"],
        # What came after the beginning of a fact that stands may have ended or confirmed it: a measure that was lifted
        # must not come back because the lifting went first
        f"({_IN_CODE.format(f='t')} OR EXISTS (SELECT 1 FROM facts g WHERE g.resident_id = t.resident_id AND g.id <> t.id"  # noqa: S608 - our own text
        " AND g.withdrawn_at IS NULL AND g.start_day <= COALESCE(t.end_day, t.start_day)"
        f" AND {_STANDS.format(f='g')}))",
        "a code rests on it, or a fact that began before it still stands",
    ),
    (
        "newest_change",
        ["colour_changes"],
        "NOT EXISTS (SELECT 1 FROM colour_changes o WHERE o.resident_id = t.resident_id AND o.scheme = t.scheme"
        " AND o.at > t.at) AND EXISTS (SELECT 1 FROM health_codes c WHERE c.resident_id = t.resident_id"
        " AND c.scheme = t.scheme)",
        "it is why the code has its colour",
    ),
    (
        "run_going_on",
        ["rescore_runs"],
        "t.state = 'running'",
        "it can go on where it was",
    ),
    # -- following up ----------------------------------------------------------------------------------------
    (
        "follow_up_open",
        ["follow_ups"],
        "t.state = 'open'",
        "somebody still needs to be looked after",
    ),
    (
        "attempt_for_open_follow_up",
        ["contact_attempts"],
        "EXISTS (SELECT 1 FROM follow_ups u WHERE u.resident_id = t.resident_id AND u.id = t.follow_up_id"
        " AND u.state = 'open')",
        "somebody still needs to be looked after",
    ),
    # -- messages and runs -----------------------------------------------------------------------------------
    (
        "message_pending",
        ["inbox"],
        "t.state = 'pending'",
        "it was promised and isn't done",
    ),
    (
        "notice_waits",
        ["notices"],
        "(t.expires_at > :now OR t.state = 'sending')",
        "it can still be told",
    ),
    (
        "deletion_notice",
        ["notices"],
        "t.kind = 'deletion'",
        "it says that the deletion was done",
    ),
    (
        "newest_run",
        ["job_runs"],
        "(NOT EXISTS (SELECT 1 FROM job_runs o WHERE o.job = t.job AND o.slot > t.slot) OR t.state = 'done'"
        " AND NOT EXISTS (SELECT 1 FROM job_runs o WHERE o.job = t.job AND o.slot > t.slot AND o.state = 'done'))",
        "the next run begins where it ended",
    ),
    (
        "job_running",
        ["job_runs"],
        "t.state = 'running'",
        "it can go on where it was",
    ),
)

ENDS: Mapping[str, End] = {
    end.name: end
    for end in (
        End(
            "account",
            frozenset({"account_residents", "subscriptions"}),
            "NOT EXISTS (SELECT 1 FROM accounts a WHERE a.id = t.account_id)",
            "until the account goes",
        ),
        End(
            "resident",
            frozenset({"health_codes"}),
            "NOT EXISTS (SELECT 1 FROM residents r WHERE r.resident_id = t.resident_id)",
            "until the resident goes",
        ),
        End(
            "run",
            frozenset({"job_shards"}),
            "NOT EXISTS (SELECT 1 FROM job_runs r WHERE r.id = t.run_id)",
            "as long as its run",
        ),
        End("worked_off", frozenset({"rescore_queue"}), None, "until it is worked off"),
        End(
            "service",
            frozenset({"communities", "risk_levels", "stamps", "platform_states", "clock_offset"}),
            None,
            "as long as the service runs",
        ),
    )
}
