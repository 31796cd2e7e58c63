"""Which columns of which tables are told to a resident, how their rows are found, and what is left out and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_RESIDENT = (("resident_id", "resident"),)
_ACCOUNT = (("account_id", "account"),)
_IN_WORDS = frozenset({"answer", "result"})
_OF_OTHERS = frozenset({"case_carriage", "case_row", "second_person"})


@dataclass(frozen=True, slots=True)
class Whose:
    """One person: all their accounts, and the resident that they are (none before the first declaration)."""

    person_id: int
    account_ids: tuple[int, ...]
    resident_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One table, or a part of it. `by` are the columns by which a person's rows are found, and what stands in each:
    resident, account or person. `group` is the one of the overview that it counts for, `json` are columns that hold
    JSON, `since` the one that says when it began; not `listed`: only counted, because others are in it.
    """

    name: str
    group: str
    table: str
    columns: tuple[str, ...]
    order: str
    by: tuple[tuple[str, str], ...] = _RESIDENT
    json: tuple[str, ...] = ()
    since: str = ""
    listed: bool = True


GROUPS = (
    "person",
    "declarations",
    "punch_ins",
    "facts",
    "codes",
    "notices",
    "family",
    "community",
    "access",
    "chat",
)
"""In which order the overview tells of them."""

SECTIONS: tuple[Section, ...] = (
    Section(
        "person", "person", "residents",
        ("name_sealed", "certificate_kind", "certificate_sealed", "phone_sealed", "birth_sealed", "division",
         "address_sealed", "zone", "identity", "verified_by", "verified_at", "declared_at", "last_punch_in", "created_at",
         "quiet_from", "quiet_until", "reminder_minute", "reminder_days", "hinted_on"),
        "created_at", since="created_at",
    ),
    Section("identity_checks", "", "identity_checks", ("at", "outcome", "via"), "at, id"),
    Section(
        "declarations", "declarations", "declarations",
        ("revision", "receipt", "form_version", "submitted_at", "reported_by", "answers_sealed"), "revision",
        json=("answers_sealed",), since="submitted_at",
    ),
    Section(
        "punch_ins", "punch_ins", "punch_ins",
        ("day", "temperature_tenths", "symptoms", "no_change", "normal", "receipt", "revision", "reported_by",
         "created_at", "amended_at"),
        "day", since="created_at",
    ),
    Section(
        "punch_in_saves", "", "punch_in_log",
        ("at", "day", "revision", "temperature_tenths", "symptoms", "origin"), "sequence",
    ),
    Section(
        "facts", "facts", "facts",
        ("id", "kind", "start_day", "end_day", "division", "details", "source", "reference", "known_at", "withdrawn_at",
         "withdrawn_why"),
        "known_at, id", json=("details",), since="known_at",
    ),
    Section(
        "codes", "codes", "health_codes",
        ("scheme", "colour", "state", "since", "held_since", "version", "next_change_at", "covered_until", "assessment"),
        "held_since, id", json=("assessment",), since="held_since",
    ),
    Section(
        "colour_changes", "codes", "colour_changes",
        ("at", "scheme", "old_colour", "old_state", "new_colour", "new_state", "cause", "assessment"), "at, id",
        json=("assessment",), since="at",
    ),
    Section(
        "notices", "notices", "notices",
        ("created_at", "kind", "state", "reason", "sent_at", "channel", "way", "priority", "params_sealed", "resident_id",
         "person_id"),
        "created_at, id", by=(("resident_id", "resident"), ("person_id", "person")), json=("params_sealed",),
        since="created_at",
    ),
    Section("subscriptions", "notices", "subscriptions", ("kind", "standing", "balance", "updated_at"), "kind",
            by=_ACCOUNT, since="updated_at"),
    Section("subscription_entries", "notices", "subscription_entries", ("at", "kind", "change", "reason"), "at, id",
            by=_ACCOUNT, since="at"),
    Section("forms", "", "form_tokens", ("form_sealed", "expires_at"), "expires_at", by=_ACCOUNT),
    Section("family", "family", "guardianships", ("state", "since"), "since, id",
            by=(("resident_id", "resident"), ("guardian_id", "resident")), since="since", listed=False),
    Section(
        "follow_ups", "community", "follow_ups",
        ("reason", "day", "last_day", "state", "detail", "opened_at", "closed_at", "closed_why"), "opened_at, id",
        since="opened_at",
    ),
    Section("contact_attempts", "community", "contact_attempts", ("at", "way", "outcome", "note_sealed"), "at, id",
            since="at"),
    Section("access", "access", "access_log", ("at", "actor_kind", "role", "action", "why"), "at, id", since="at"),
    Section("copies", "", "data_links", ("created_at", "fetched"), "created_at"),
    Section("deletion_requests", "", "deletion_requests", ("asked_at", "state", "due_at", "ended_at"),
            "asked_at, id", by=(("resident_id", "resident"), ("person_id", "person"))),
    Section(
        "accounts", "chat", "accounts",
        ("channel", "external_sealed", "language", "consent", "consent_at", "consent_version", "following", "blocked",
         "window_until", "window_left", "moment_until", "moment_left", "created_at"),
        "created_at, id", by=(("id", "account"),), since="created_at",
    ),
    Section("speaks_for", "", "account_residents", ("relation", "since"), "since, id", by=_ACCOUNT),
    Section("logins", "", "sessions", ("created_at", "expires_at", "revoked_at"), "created_at", by=_ACCOUNT),
    Section("links", "", "link_requests", ("asked_at", "state", "expires_at", "answered_at", "account_id"),
            "asked_at, id", by=(("resident_id", "resident"), ("person_id", "person"), ("account_id", "account"))),
    Section("messages", "chat", "inbox", ("received_at", "state", "expires_at"), "received_at", by=_ACCOUNT,
            since="received_at"),
    Section("unfinished", "", "dialogues", ("form", "step", "updated_at", "state_sealed"), "updated_at",
            by=_ACCOUNT, json=("state_sealed",)),
    Section("worker", "", "workers", ("role", "scope", "invited_at", "accepted_at", "revoked_at"), "invited_at",
            by=_ACCOUNT),
)  # fmt: skip

LEFT_OUT: Mapping[str, str] = {
    "notices.params": "the words of answers and of notices about members may name others",
    "inbox.reply_sealed": "the same, and it is gone within 48 hours",
    "facts.occurrence_id": "it says who else was there: two copies side by side would show a contact",
    "facts.details": "where a case sat, and which second person signed, is about others",
    "contact_attempts.note_sealed": "a worker's own words, which may name neighbours; that there is one is told",
    "access_log.actor_id, address": "a worker's; role and reason are told",
    "guardianships.label_sealed": "told to the guardian, whose word it is",
    "rescore_queue": "a random number that waits for seconds",
    "index and digest columns": "made from what is told; they only find",
}
"""What is stored and not told, and why."""


def told(section: Section, row: dict[str, Any], who: Whose) -> dict[str, Any]:
    """The row without what is about others: ids become what they say, words that may name somebody go."""
    if "reported_by" in row:
        row["reported_by"] = "oneself" if row["reported_by"] in who.account_ids else "guardian"
    if isinstance(row.get("symptoms"), str):
        row["symptoms"] = row["symptoms"].split(",") if row["symptoms"] else []
    if section.name == "facts":
        row["id"] = str(row["id"])
        row["details"] = {name: value for name, value in row["details"].items() if name not in _OF_OTHERS}
    elif section.name == "notices":
        _tell_notice(row, who)
    elif section.name == "contact_attempts":
        row["note_kept"] = row.pop("note") is not None
    elif section.name == "links":
        row["asked_by"] = "oneself" if row.pop("account_id") in who.account_ids else "another_account"
    elif section.name == "unfinished":
        state = row.pop("state") or {}
        row["answers"] = state.get("a", {})
    return row


def _tell_notice(row: dict[str, Any], who: Whose) -> None:
    """What it said only where it was said to this person about this person."""
    about, to = row.pop("resident_id"), row.pop("person_id")
    row["urgent"] = bool(row.pop("priority"))
    row["to"] = "oneself" if to == who.person_id else "guardian"
    row["about"] = "oneself" if about == 0 or about in who.resident_ids else "member"
    if row["to"] != "oneself" or row["about"] != "oneself" or row["kind"] in _IN_WORDS:
        row["params"] = None
