"""How long to wait: jittered backoff with a ceiling, the provider's own Retry-After, and a pace nobody exceeds."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from bench.backends.hosted.jobs import Stopped, TryAgainLater

Result = TypeVar("Result")

LONGEST_RETRY_AFTER_SECONDS = 900.0
HEARTBEAT_SECONDS = 0.2


@dataclass(frozen=True)
class Limits:
    """What one provider is asked of, and for how long."""

    concurrency: int = 2
    """Jobs in flight at once."""
    requests_per_second: float = 2.0
    """Submits and looks together."""
    poll_seconds: float = 6.0
    give_up_seconds: float = 3600.0
    """After this long a job that still runs is left to the next run, which picks it up."""
    attempts: int = 8
    first_wait_seconds: float = 1.0
    longest_wait_seconds: float = 60.0
    request_seconds: float = 60.0
    """Until a request counts as unanswered."""


def pause(seconds: float, stop: threading.Event) -> None:
    """Sleep. Raises Stopped as soon as the run is asked to stop."""
    if stop.wait(max(0.0, seconds)):
        raise Stopped("stopped while waiting")


def patiently(function: Callable[[], Result], limits: Limits, stop: threading.Event) -> Result:
    """Call it until it does not raise TryAgainLater, at most `limits.attempts` times; then raises the last one.

    Waits twice as long every time, jittered, up to the ceiling, and never less than the provider asked for.
    """
    import tenacity

    backoff = tenacity.wait_exponential_jitter(
        initial=limits.first_wait_seconds, max=limits.longest_wait_seconds, jitter=limits.first_wait_seconds
    )

    def wait(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = getattr(error, "wait_seconds", None) or 0.0
        return max(backoff(state), min(asked, LONGEST_RETRY_AFTER_SECONDS))

    retrying = tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(TryAgainLater),
        stop=tenacity.stop_after_attempt(limits.attempts),
        wait=wait,
        sleep=lambda seconds: pause(seconds, stop),
        reraise=True,
    )
    return retrying(function)


class Gate:
    """The one door of a provider: submits go one at a time, and no request comes sooner than the pace allows."""

    def __init__(self, limits: Limits, stop: threading.Event) -> None:
        self._stop, self._step = stop, 1.0 / limits.requests_per_second
        self._door, self._pace = threading.Lock(), threading.Lock()
        self._next = 0.0

    @contextmanager
    def submitting(self) -> Iterator[None]:
        """Inside, no other thread submits. Raises Stopped when the run is asked to stop before its turn comes."""
        while not self._door.acquire(timeout=HEARTBEAT_SECONDS):
            pause(0.0, self._stop)
        try:
            self.take_turn()
            yield
        finally:
            self._door.release()

    def take_turn(self) -> None:
        """Wait for this request's moment."""
        with self._pace:
            now = time.monotonic()
            moment = max(now, self._next)
            self._next = moment + self._step
        pause(moment - now, self._stop)

    def close_for(self, seconds: float) -> None:
        """Let no request through for so long: what turned one away would turn away the next."""
        with self._pace:
            self._next = max(self._next, time.monotonic() + min(seconds, LONGEST_RETRY_AFTER_SECONDS))


def settings_of(values: dict[str, Any], fallback: Limits) -> Limits:
    """The limits with those values put in their place; None keeps what there is."""
    given = {name: value for name, value in values.items() if value is not None}
    return Limits(**(vars(fallback) | given))
