"""What a failed submit means for money: only an answer that says so proves that no job was made."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bench.backends.hosted.answers import Answer, is_moderation, look_failed, read_error, submit_failed
from bench.backends.hosted.jobs import AnswerLost, JobGone, NoJob, NoService, Rejected, TryAgainLater

REQUEST = httpx.Request("POST", "http://localhost/")


def never(answer: Answer) -> str | None:
    del answer
    return None


def answered(status: int, body: Any = None, **headers: str) -> httpx.HTTPStatusError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx.Response(status, json=body, headers=named, request=REQUEST)
    return httpx.HTTPStatusError("no", request=REQUEST, response=response)


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (httpx.ConnectError("refused"), NoJob),
        (httpx.ConnectTimeout("slow"), NoJob),
        (httpx.PoolTimeout("full"), NoJob),
        (httpx.ReadTimeout("silence"), AnswerLost),
        (httpx.WriteError("broken pipe"), AnswerLost),
        (httpx.RemoteProtocolError("disconnected"), AnswerLost),
        (ValueError("not JSON"), AnswerLost),
        (KeyError("request_id"), AnswerLost),
        (answered(302), AnswerLost),
        (answered(400), Rejected),
        (answered(404), Rejected),
        (answered(422), Rejected),
        (answered(401), NoService),
        (answered(402), NoService),
        (answered(403), NoService),
        (answered(400, {"error": "You do not have enough credits to run this task."}), NoService),
        (answered(429, {"error": {"code": "insufficient_quota", "message": "pay"}}), NoService),
        (answered(408), AnswerLost),
        (answered(409), AnswerLost),
        (answered(425), NoJob),
        (answered(429), NoJob),
        (answered(500), AnswerLost),
        (answered(502), AnswerLost),
        (answered(503), AnswerLost),
        (answered(503, retry_after="3"), NoJob),
        (answered(504), AnswerLost),
    ],
)
def test_a_failed_submit(error: Exception, meaning: type[Exception]) -> None:
    assert type(submit_failed(error, "who", "KEY", never)) is meaning


def test_a_provider_that_sheds_load_by_503_made_no_job() -> None:
    assert isinstance(submit_failed(answered(503), "runway", "KEY", never, frozenset({503})), NoJob)


def test_a_moderator_is_heard_before_anybody_else() -> None:
    refused = submit_failed(answered(403, {"code": "SAFETY"}), "who", "KEY", lambda answer: answer.body["code"])
    assert isinstance(refused, Rejected)
    assert (refused.code, refused.refused) == ("SAFETY", True)


def test_only_declared_causes_count() -> None:
    """fal's client tries a second address when the first cannot be reached: that attempt may have arrived."""
    second = httpx.ReadTimeout("second address")
    second.__context__ = httpx.ConnectError("first address")
    assert read_error(second).sent
    wrapped = RuntimeError("the SDK's")
    wrapped.__cause__ = httpx.ConnectError("refused")
    assert not read_error(wrapped).sent


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": "1.5"}, 1.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after": "Wed, 01 Jan 2020 00:00:30 GMT", "date": "Wed, 01 Jan 2020 00:00:10 GMT"}, 20.0),
        ({"retry_after": "Wed, 01 Jan 2020 00:00:30 GMT", "date": "Wed, 01 Jan 2020 00:05:00 GMT"}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-3"}, None),
        ({}, None),
    ],
)
def test_retry_after_goes_by_the_servers_clock(headers: dict[str, str], seconds: float | None) -> None:
    assert read_error(answered(429, **headers)).wait_seconds == seconds


@pytest.mark.parametrize(
    ("error", "meaning"),
    [
        (answered(404), JobGone),
        (answered(410), JobGone),
        (answered(401), NoService),
        (answered(429), TryAgainLater),
        (answered(500), TryAgainLater),
        (httpx.ReadTimeout("silence"), TryAgainLater),
        (ValueError("not JSON"), TryAgainLater),
    ],
)
def test_a_failed_look(error: Exception, meaning: type[Exception]) -> None:
    assert type(look_failed(error, "who", "KEY")) is meaning


def test_an_unread_stream_has_no_words() -> None:
    response = httpx.Response(500, stream=httpx.ByteStream(b"x"), request=REQUEST)
    error = httpx.HTTPStatusError("no", request=REQUEST, response=response)
    assert read_error(error).status == 500


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"error": {"code": "a", "message": "b"}}, "a: b"),
        ({"error": "not like this", "code": "c"}, "c: not like this"),
        ({"detail": [{"type": "t", "msg": "m"}, {"msg": "n"}]}, "t: m; n"),
        ([{"error": {"message": "in a list"}}], "in a list"),
        (["x"], "x"),
    ],
)
def test_the_words_of_an_answer(body: Any, words: str) -> None:
    assert read_error(answered(400, body)).text == words


def test_moderation_by_its_words() -> None:
    assert is_moderation("SAFETY.INPUT.TEXT")
    assert is_moderation("", "The prompt violates our usage guidelines")
    assert not is_moderation("INTERNAL.BAD_OUTPUT.CODE01", "try again")
