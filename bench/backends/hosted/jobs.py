"""What passes between the engine and a provider: orders, receipts, looks at a job, and what can go wrong."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bench.records import Clip, ClipRequest, FrameholdError, Json, Seeded

TOO_LONG = "PROMPT_TOO_LONG"


@dataclass(frozen=True)
class Order:
    """One clip to buy: what is sent, word for word, and the most it can cost (None: nobody knows)."""

    request: ClipRequest
    fingerprint: str
    model: str
    """As the provider calls it."""
    arguments: Json
    seconds: float
    seeded: Seeded
    price_usd: float | None = None
    price_source: str = ""
    dropped: Json = field(default_factory=dict)
    """What was asked for and cannot be sent: the seed, where the model takes none."""
    unsendable: str | None = None
    """Why it is refused here, before anything is sent."""

    @property
    def clip_id(self) -> str:
        """As every clip is named."""
        return self.request.key.clip_id


@dataclass(frozen=True)
class Receipt:
    """The answer to a submit: the provider's id of the job, and the most it says it will charge."""

    job: str
    most_usd: float | None = None


State = Literal["running", "done", "failed", "refused", "cancelled"]


@dataclass(frozen=True)
class Look:
    """What a provider says of a job. `outputs` are urls or ids; `content` is there when the clip came along."""

    state: State
    code: str = ""
    reason: str = ""
    charged_usd: float | None = None
    outputs: tuple[str, ...] = ()
    content: bytes | None = field(default=None, repr=False)
    raw: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Served:
    """What became of an order: a clip, or why there is none. `unsent` ones were left for another run."""

    order: Order
    clip: Clip | None = None
    missing: str | None = None
    refused: str | None = None
    unsent: bool = False
    cost_usd: float | None = None
    facts: Json = field(default_factory=dict)
    leftovers: Path | None = None
    """What may be deleted once the clip is stored."""


# ---- what can go wrong -------------------------------------------------------------------------------------------


class HostedError(Exception):
    """A fault of one request. Its text holds no secret."""


class TryAgainLater(HostedError):
    """Nothing was lost: ask again, after `wait_seconds` where the provider named a time."""

    def __init__(self, reason: str, wait_seconds: float | None = None) -> None:
        super().__init__(reason)
        self.wait_seconds = wait_seconds


class NoJob(TryAgainLater):
    """A submit that surely made no job: not sent at all, or turned away at the door."""


class AnswerLost(HostedError):
    """A submit that may have made a job: no answer came, or none that names a job."""


class Rejected(HostedError):
    """A submit that made no job and never will. `refused` when a moderator said so."""

    def __init__(self, code: str, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.code, self.refused = code, refused


class JobGone(TryAgainLater):
    """The provider does not know the job, or not any more."""


class OutputExpired(TryAgainLater):
    """The url has run out: look at the job again for a fresh one."""


class Damaged(TryAgainLater):
    """The file came, and is not whole or no clip."""


class Stopped(HostedError):
    """The run was asked to stop."""


class NoService(FrameholdError):
    """What would fail every other request as well: no key that is accepted, no money left. Nothing was made."""


class CapReached(FrameholdError):
    """Another submit could take the run over what may be spent."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, and what it leaves behind. `str()` is for the user."""
