"""Options of hosted backends, the rows of their tables of models, and how a prompt's length is counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from bench.records import FrameholdError, Json, Seeded

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1000)]


class Settings(BaseModel):
    """Options of every hosted backend. None leaves the choice to the table of the model or provider."""

    model_config = ConfigDict(extra="forbid")

    seconds: Annotated[int, Field(ge=1, le=60)] | None = None
    """Length of a clip."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    """Sent as they are, over what the table says. They decide the clip."""
    base_url: str | None = None
    usd_per_clip: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None = None
    """What a clip costs at most, where the table of prices does not say."""
    concurrency: Count | None = None
    requests_per_second: Positive | None = None
    poll_seconds: Positive | None = None
    give_up_seconds: Positive | None = None
    attempts: Count | None = None
    first_wait_seconds: Positive | None = None
    longest_wait_seconds: Positive | None = None
    request_seconds: Positive | None = None


@dataclass(frozen=True)
class HostedModel:
    """A row of a provider's table: what a clip of it takes by default."""

    seconds: int
    seeded: Seeded
    arguments: Json = field(default_factory=dict)
    longest_prompt: int | None = None
    """In UTF-16 code units, as the providers count; None: the provider does not say."""


def utf16_units(text: str) -> int:
    """The length as providers count it: characters outside the basic plane are two.

    >>> utf16_units("a dog"), utf16_units(chr(0x1F415))
    (5, 2)
    """
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_url(backend: str, url: str | None) -> None:
    """A key must not travel in the clear. Raises FrameholdError for anything but https or this machine."""
    if url is None:
        return
    parts = urlsplit(url)
    if not parts.hostname or not (parts.scheme == "https" or is_here(url)) or parts.username or parts.query:
        told = f"{parts.scheme}://{parts.hostname}"  # what else is in it may be a secret
        raise FrameholdError(f"{backend} options: base_url at {told}: expected an https address without user or query")


def is_here(url: str | None) -> bool:
    """Whether the address is plain http on this machine.

    >>> is_here("http://127.0.0.1:8080/v1"), is_here("http://example.org"), is_here(None)
    (True, False, False)
    """
    parts = urlsplit(url or "")
    return parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}
