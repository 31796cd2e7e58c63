"""What can go wrong at the fake platform, to be switched on and off while it runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["html", "hang", "drop", "fail"]


@dataclass(slots=True)
class Fault:
    """One fault: for the next `times` calls (None: until healed), on one path (None: on all)."""

    kind: Kind
    code: int = 0
    times: int | None = None
    path: str | None = None


class Faults:
    """The faults that are switched on; the first that fits a call decides what becomes of it."""

    def __init__(self) -> None:
        self._active: list[Fault] = []
        self.delay = 0.0

    def slow(self, seconds: float) -> None:
        """Answer everything that much later."""
        self.delay = seconds

    def answer_html(self, status: int = 502, *, times: int | None = None, path: str | None = None) -> None:
        """A gateway's page instead of an answer; the call reached nobody."""
        self._active.append(Fault("html", status, times, path))

    def hang(self, *, times: int | None = None, path: str | None = None) -> None:
        """The call is carried out, and never answered."""
        self._active.append(Fault("hang", times=times, path=path))

    def drop_after_write(self, *, times: int | None = None, path: str | None = None) -> None:
        """The call is carried out, and the connection cut before the answer."""
        self._active.append(Fault("drop", times=times, path=path))

    def fail_with(self, errcode: int, *, times: int | None = None, path: str | None = None) -> None:
        """Nothing is carried out, and this errcode is the answer."""
        self._active.append(Fault("fail", errcode, times, path))

    def heal(self) -> None:
        """Everything works again."""
        self._active.clear()
        self.delay = 0.0

    def strike(self, path: str) -> Fault | None:
        """The fault that this call meets."""
        if not self._active:
            return None
        for fault in self._active:
            if fault.path in {None, path}:
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._active.remove(fault)
                return fault
        return None
