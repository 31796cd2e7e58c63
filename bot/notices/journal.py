"""Counts and logs what became of notices: kinds, channels, reasons and ids, never whom or what about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog

from bot.channels.outbound import SendFailed, Trouble
from bot.metrics import Metrics
from bot.notices.claims import NO_WORDS, TOO_OLD, Taken
from bot.notices.leftovers import Interrupted
from bot.notices.outcomes import Ended, Verdict

_log = structlog.get_logger("notices")


class Journal:
    """What operators see of the sending."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def ended(self, ended: Sequence[Ended], verdicts: Sequence[Verdict], now: datetime) -> None:
        """Sends that are over and written."""
        for each, verdict in zip(ended, verdicts, strict=True):
            notice, channel = each.notice, each.channel.channel
            if not isinstance(each.result, SendFailed):
                age = (now - notice.created_at).total_seconds()
                self._metrics.noticed(notice.kind, channel, "sent", "", age=age)
                continue
            self._metrics.noticed(notice.kind, channel, verdict.state, each.result.trouble.value)
            self._failed(each, each.result, verdict)

    def unsent(self, left: Sequence[Interrupted], taken: Taken, overdue: Iterable[str]) -> None:
        """Notices that ended without a send of ours; `overdue` are the kinds of those that grew too old unseen."""
        for kind in (*overdue, *(notice.kind for notice in taken.expired)):
            self._metrics.noticed(kind, "", "expired", TOO_OLD)
        for notice, why in taken.needless:
            self._metrics.noticed(notice.kind, "", "expired", why)
        for notice in taken.wordless:
            self._metrics.noticed(notice.kind, "", "failed", Trouble.CONTENT.value)
            _log.error("notice failed", action="notice_fail", notice=notice.id, reason=NO_WORDS)
        for each in left:
            state = "queued" if each.again else "unknown"
            self._metrics.noticed(each.kind, each.channel, state, Trouble.UNKNOWN.value)
            _log.warning(
                "notice interrupted", action="notice_interrupt", notice=each.id, kind=each.kind,
                channel=each.channel, state=state,
            )  # fmt: skip

    def _failed(self, each: Ended, failed: SendFailed, verdict: Verdict) -> None:
        """A template that is refused, or an app that is set up wrongly, needs an operator; the rest goes by itself."""
        if failed.trouble in (Trouble.CONTENT, Trouble.PERMISSION):
            write = _log.error
        else:
            write = _log.info if verdict.state == "queued" else _log.warning
        write(
            "notice failed", action="notice_fail", notice=each.notice.id, kind=each.notice.kind,
            channel=each.channel.channel, way=each.channel.way.value, trouble=failed.trouble.value,
            reason=failed.reason, field=failed.field_name, state=verdict.state, failures=verdict.failures,
        )  # fmt: skip
