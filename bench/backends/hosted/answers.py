"""What a failed request means for money: read from the SDK's exception, by the same rules for every provider.

Only an answer that says so proves that a submit made no job: 4xx, 429, 503 with Retry-After, or a connection that was
never made. Every other failure (a timeout, a dropped connection, 500, 502, 504, an answer that makes no sense) may have
made a job that is paid for, so it is `AnswerLost` and never repeated by itself.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from bench.backends.hosted.jobs import (
    AnswerLost,
    HostedError,
    JobGone,
    NoJob,
    NoService,
    OutputExpired,
    Rejected,
    TryAgainLater,
)
from bench.backends.hosted.keys import one_line

# By name, since the SDKs bring two HTTP libraries with classes of the same names (httpx, httpx2).
NEVER_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError", "UnsupportedProtocol"}
UNDER_WAY = {"ReadError", "WriteError", "CloseError", "ReadTimeout", "WriteTimeout", "RemoteProtocolError"}
EXPIRED = {401, 403, 404, 410}  # what file stores answer for an address that has run out
NO_MONEY = ("insufficient_quota", "not have enough credits", "exhausted balance", "billing_hard_limit", "billing hard")
MODERATION = ("moderation", "content_policy", "content policy", "safety", "usage guidelines", "responsible ai")
MALFORMED = (ValueError, TypeError, AttributeError, LookupError)  # what SDKs raise over answers of the wrong shape
NUMBER = re.compile(r"\d+(\.\d+)?")

Moderated = Callable[["Answer"], str | None]
"""The code of a moderator's refusal in an answer, None when it is none."""


@dataclass(frozen=True)
class Answer:
    """What came back, if anything did. `sent` is False when the request surely never left."""

    status: int | None
    sent: bool
    text: str
    body: Any = None
    wait_seconds: float | None = None

    @property
    def said(self) -> str:
        """One line for a person."""
        return f"{self.status}: {self.text}" if self.status else self.text


def read_error(error: BaseException) -> Answer:
    """The answer inside an SDK's exception, whichever SDK it is."""
    links = _chain(error)
    for link in links:
        response = getattr(link, "response", None)
        status = getattr(response, "status_code", None)
        if response is not None and isinstance(status, int):
            body, text = _body(response)
            return Answer(status, True, one_line(text or type(error).__name__), body, _wait(response.headers))
    names = [type(link).__name__ for link in links]
    kind = next((name for name in names if name in NEVER_SENT | UNDER_WAY), names[-1])
    if kind in NEVER_SENT:
        return Answer(None, False, f"cannot be reached ({kind})")
    return Answer(None, True, one_line(f"no answer that makes sense ({kind}: {error})"))


def submit_failed(
    error: BaseException, who: str, key_names: str, moderated: Moderated, sheds: frozenset[int] = frozenset()
) -> HostedError | NoService:
    """What a failed submit means. `sheds` are the statuses with which this provider says that it made no job."""
    answer = read_error(error)
    said, status = f"{who}: {answer.said}", answer.status
    if not answer.sent:
        return NoJob(said)
    if status is None or status < 400:
        return AnswerLost(f"{said} (the answer to the submit was lost)")
    code = moderated(answer)
    final = Rejected(code, said, refused=True) if code else _stopping(answer, who, key_names)
    if final:
        return final
    if status in {425, 429} or status in sheds or (status == 503 and answer.wait_seconds is not None):
        return NoJob(said, answer.wait_seconds)
    if status >= 500 or status in {408, 409}:
        return AnswerLost(f"{said} (whether it made a job is not known)")
    return Rejected(f"HTTP_{status}", said)


def look_failed(error: BaseException, who: str, key_names: str) -> HostedError | NoService:
    """What a failed look at a job, or a failed download, means. Looking costs nothing, so nearly all is tried again."""
    answer = read_error(error)
    said = f"{who}: {answer.said}"
    if answer.status in {404, 410}:
        return JobGone(said)
    return _stopping(answer, who, key_names) or TryAgainLater(said, answer.wait_seconds)


def download_failed(error: BaseException, who: str) -> TryAgainLater:
    """What a failed download means. A fresh look at the job tells whether it was the address or the key."""
    answer = read_error(error)
    kind = OutputExpired if answer.status in EXPIRED else TryAgainLater
    return kind(f"{who}: {answer.said}", answer.wait_seconds)


def is_moderation(code: str, reason: str = "") -> bool:
    """Whether a provider's words for a failure speak of moderation.

    >>> is_moderation("SAFETY.INPUT.TEXT"), is_moderation("INTERNAL", "out of memory")
    (True, False)
    """
    words = f"{code} {reason}".lower()
    return any(word in words for word in MODERATION)


def _stopping(answer: Answer, who: str, key_names: str) -> NoService | None:
    """What would fail every other request as well."""
    text = answer.text.lower()
    if answer.status == 402 or any(words in text for words in NO_MONEY):
        return NoService(f"{who} says that there is no money left ({answer.said}): top it up and run again")
    if answer.status in {401, 403}:
        return NoService(f"{who} does not accept the key ({answer.said}): check {key_names} and run again")
    return None


def _chain(error: BaseException) -> list[BaseException]:
    """The exception and its declared causes. Not its context: what failed before this request proves nothing of it."""
    links = [error]
    while (cause := links[-1].__cause__) is not None and len(links) < 8:
        links.append(cause)
    return links


def _body(response: Any) -> tuple[Any, str]:
    """The content as JSON (None if it is none) and its message; an answer that was not read to its end has neither."""
    try:
        text = str(response.text)
    except RuntimeError:  # ResponseNotRead and StreamConsumed of httpx and httpx2 are
        return None, ""
    try:
        body = json.loads(text)
    except ValueError:
        return None, text
    return body, _message(body) or text


def _message(body: Any) -> str:
    """Where the providers put their words: error, error.message, detail, or a list of {msg, type}."""
    if isinstance(body, list):
        return "; ".join(filter(None, (_message(part) for part in body)))
    if not isinstance(body, dict):
        return str(body) if isinstance(body, str) else ""
    for name in ("error", "detail", "message", "msg"):
        if inner := _message(body.get(name)):
            code = body.get("code") or body.get("type")
            return f"{code}: {inner}" if isinstance(code, str) and code not in inner else inner
    return ""


def _wait(headers: Any) -> float | None:
    """Seconds from Retry-After. A date in it is held against the server's own clock, not against ours."""
    value = headers.get("retry-after")
    for given, scale in ((headers.get("retry-after-ms"), 1000), (value, 1)):
        if given and NUMBER.fullmatch(given.strip()):
            return float(given) / scale
    if not value:
        return None
    try:
        until = parsedate_to_datetime(value)
        now = parsedate_to_datetime(headers["date"]) if headers.get("date") else datetime.now(UTC)
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None
