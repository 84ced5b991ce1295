"""Who is served: an engine makes one request at a time."""

from __future__ import annotations

import threading
from typing import Any, Callable, Iterator, Optional

from ._errors import LongtakeError, Status
from ._hearing import Hearing

IN_CALLBACK, BETWEEN_FRAMES = "within a callback", "between two frames"


class Turns:
    """Requests wait for each other. A thread that waits for one is refused another: for that it
    would wait for ever, since the first waits for its callback, or for its frames to be taken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Optional[Hearing] = None  # has the lock
        self._askers: "dict[int, str]" = {}  # threads that wait for a request, and where they are

    def steps(self, work: Callable[[], Any], hearing: Hearing) -> Iterator[None]:
        """Those of `hearing`, where `work` waits for its turn."""
        asker = threading.get_ident()
        self._refuse(asker)
        try:
            self.place(asker, IN_CALLBACK)
            return (yield from hearing.steps(lambda: self._in_turn(work, hearing)))
        finally:
            self._askers.pop(asker, None)

    def place(self, asker: int, where: str) -> None:
        """Where a thread that waits for a request would ask for another."""
        self._askers[asker] = where

    def end(self, release: Callable[[], None]) -> None:
        """Stops what runs, and calls `release` while nothing does."""
        asker = threading.get_ident()
        if self._askers.get(asker) == BETWEEN_FRAMES:
            del self._askers[asker]
        self._refuse(asker)
        while not self._stop_running():
            continue
        try:
            release()
        finally:
            self._lock.release()

    def is_taken(self) -> bool:
        """For ever where the interpreter has ended the thread of a request."""
        return self._lock.locked()

    def _refuse(self, asker: int) -> None:
        if asker in self._askers:
            raise LongtakeError(
                Status.USAGE,
                f"Engine: found a request {self._askers[asker]} of another, expected one at a time",
            )

    def _in_turn(self, work: Callable[[], Any], hearing: Hearing) -> Any:
        while not self._lock.acquire(timeout=0.1):
            if hearing.cancelled:
                raise LongtakeError(
                    Status.CANCELLED, "Engine: the request was stopped before its turn came"
                )
        self._running = hearing
        try:
            return work()
        finally:
            self._running = None
            self._lock.release()

    def _stop_running(self) -> bool:
        """Whether it is our turn now."""
        running = self._running
        if running is not None:
            running.stop()
        return self._lock.acquire(timeout=0.1)
