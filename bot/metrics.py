"""What is counted and timed, in a registry of its own so that two services in one process don't mix."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_AGES = (0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0, 86400.0)
_WORK = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """Counters by kind, outcome and reason; never an id, a name or a text."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._outcomes: dict[tuple[str, str, str], Counter] = {}
        self._channels: dict[str, Histogram] = {}
        self.messages = Counter(
            "yima_messages", "Messages answered", ["channel", "kind", "outcome"], registry=self.registry
        )
        self.refusals = Counter(
            "yima_refusals", "Requests refused", ["door", "reason"], registry=self.registry
        )
        self.unknown = Counter(
            "yima_unknown_messages",
            "Messages of an unknown type",
            ["channel", "kind"],
            registry=self.registry,
        )
        self.latency = Histogram(
            "yima_message_seconds",
            "From the door to the answer",
            ["channel"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._notices: dict[tuple[str, str, str, str], Counter] = {}
        self.notices = Counter(
            "yima_notices",
            "Sends of notices, and notices that ended unsent, by what became of them",
            ["kind", "channel", "outcome", "trouble"],
            registry=self.registry,
        )
        self.notice_age = Histogram(
            "yima_notice_age_seconds",
            "From the cause of a notice to its sending",
            ["channel"],
            buckets=_AGES,
            registry=self.registry,
        )
        self._ages: dict[str, Histogram] = {}
        self.rule_book_problems = Gauge(
            "yima_rule_book_problems",
            "Why the newest rule books are not in use; 0 when they are",
            registry=self.registry,
        )
        self._count_work()
        self._count_jobs()
        self.purge_findings = Gauge(
            "yima_purge_findings",
            "Rows that the last check after a purge found where they shouldn't be",
            ["table"],
            registry=self.registry,
        )

    def _count_work(self) -> None:
        self.conflicts = Counter("yima_conflicts", "Units of work that ran again", registry=self.registry)
        self.promised = Counter("yima_promised", "Messages answered with 'on it'", registry=self.registry)
        self.resumed = Counter("yima_resumed", "Pending messages taken up again", registry=self.registry)
        self.running = Gauge("yima_running", "Messages being worked on", registry=self.registry)

    def _count_jobs(self) -> None:
        self.job_runs = Counter(
            "yima_job_runs",
            "Slots of jobs, by what became of them",
            ["job", "outcome"],
            registry=self.registry,
        )
        self.job_seconds = Histogram(
            "yima_job_seconds",
            "How long one part of a run took in this process",
            ["job"],
            buckets=_WORK,
            registry=self.registry,
        )
        self.job_late = Histogram(
            "yima_job_late_seconds",
            "From the slot of a run to its claim",
            ["job"],
            buckets=_AGES,
            registry=self.registry,
        )

    def job_ran(self, job: str, outcome: str, slots: int = 1) -> None:
        """So many slots of a job came to that outcome."""
        self.job_runs.labels(job, outcome).inc(slots)

    def job_worked(self, job: str, seconds: float) -> None:
        """One part of a run is over."""
        self.job_seconds.labels(job).observe(seconds)

    def job_began(self, job: str, late: float) -> None:
        """A slot was claimed, so many seconds after it came."""
        self.job_late.labels(job).observe(max(0.0, late))

    def answered(self, channel: str, kind: str, outcome: str, seconds: float) -> None:
        """One message is through, with that outcome."""
        labels = (channel, kind, outcome)
        counter = self._outcomes.get(labels)
        if counter is None:
            counter = self._outcomes[labels] = self.messages.labels(*labels)
        counter.inc()
        histogram = self._channels.get(channel)
        if histogram is None:
            histogram = self._channels[channel] = self.latency.labels(channel)
        histogram.observe(seconds)

    def noticed(
        self, kind: str, channel: str, outcome: str, trouble: str, *, age: float | None = None
    ) -> None:
        """One notice has been tried, with that outcome; `age` in seconds where it was sent."""
        labels = (kind, channel, outcome, trouble)
        counter = self._notices.get(labels)
        if counter is None:
            counter = self._notices[labels] = self.notices.labels(*labels)
        counter.inc()
        if age is None:
            return
        histogram = self._ages.get(channel)
        if histogram is None:
            histogram = self._ages[channel] = self.notice_age.labels(channel)
        histogram.observe(age)

    def text(self) -> bytes:
        """All of it in the Prometheus text format."""
        return generate_latest(self.registry)
