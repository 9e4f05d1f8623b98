"""Any service that speaks OpenAI's /v1/videos. OpenAI's own has ended, so the address of another one is needed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field

from bench.backends.hosted.answers import MALFORMED, Answer, is_moderation, look_failed, submit_failed
from bench.backends.hosted.backend import HostedBackend
from bench.backends.hosted.jobs import AnswerLost, Look, Order, Receipt, TryAgainLater
from bench.backends.hosted.keys import find_key
from bench.backends.hosted.retired import Retired, retirement
from bench.backends.hosted.settings import HostedModel, Settings
from bench.backends.hosted.waiting import Limits

OWN_HOST = "api.openai.com"
ENDED = Retired("at OpenAI on 2026-09-24", "the same model at a service that still has it (option base_url)")
ANY_MODEL = HostedModel(4, "no", {"size": "1280x720"})


class OpenAISettings(Settings):
    """`idempotency_header` is the header by which this service makes one job of two equal submits, if it has one."""

    idempotency_header: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")] | None = None


class OpenAIVideoBackend(HostedBackend):
    """OpenAI-compatible /v1/videos at option base_url (or OPENAI_BASE_URL); needs OPENAI_API_KEY."""

    name = "openai-video"
    module = distribution = "openai"
    key_names = ("OPENAI_API_KEY",)
    base_url_name = "OPENAI_BASE_URL"
    table: ClassVar[Mapping[str, HostedModel]] = {"sora-2": ANY_MODEL, "sora-2-pro": ANY_MODEL}
    settings_type = OpenAISettings
    settings: OpenAISettings
    usual = Limits(concurrency=3, poll_seconds=10.0)

    @property
    def idempotent(self) -> bool:  # type: ignore[override]  # for this one, the user knows
        """Whether the service has idempotency keys."""
        return self.settings.idempotency_header is not None

    def check_model(self, model: str) -> None:
        """Any model may be had elsewhere, none at OpenAI itself."""
        if self.base_url is None or urlsplit(self.base_url).hostname == OWN_HOST:
            raise retirement(f"{self.name}/{model}", ENDED)

    def row(self, model: str) -> HostedModel:
        """The same for all: a service may have any model."""
        return self.table.get(model, ANY_MODEL)

    def connect(self, route: str) -> Any:
        """The SDK's client, without retries and kept connections."""
        sdk, key = self.sdk, find_key(self.key_names, self.name)
        import httpx2

        return sdk.OpenAI(
            api_key=key,
            base_url=self.base_url,
            max_retries=0,
            timeout=self.limits.request_seconds,
            http_client=sdk.DefaultHttpxClient(limits=httpx2.Limits(max_keepalive_connections=0)),
        )

    @property
    def faults(self) -> tuple[type[Exception], ...]:
        """The SDK's own, the HTTP library's, and what answers of the wrong shape raise."""
        import httpx2

        return (self.sdk.OpenAIError, httpx2.HTTPError, httpx2.StreamError, *MALFORMED)

    def arguments(self, model: str, prompt: str, seed: int, seconds: int) -> dict[str, Any]:
        """The fields of POST /v1/videos; it has none for a seed."""
        del seed
        return {"model": model, "prompt": prompt, "seconds": str(seconds)} | {
            **self.row(model).arguments,
            **self.settings.arguments,
        }

    def send(self, order: Order, key: str) -> Receipt:
        """POST /v1/videos, once."""
        header = self.settings.idempotency_header
        body, videos = order.arguments, self._videos(order)
        try:
            video = videos.create(
                model=body["model"],
                prompt=body["prompt"],
                extra_body=body,
                extra_headers={header: key} if header else {},
            )
            job = video.id
        except self.faults as error:
            raise submit_failed(error, self.name, self.key_list, _moderated) from None
        if not isinstance(job, str) or not job:
            raise AnswerLost(f"{self.name}: the answer to the submit names no video")
        return Receipt(job)

    def look(self, order: Order, job: str) -> Look:
        """GET /v1/videos/ID, once."""
        videos = self._videos(order)
        try:
            raw = videos.retrieve(job).model_dump(mode="json", exclude={"prompt"})
            status, fault = raw["status"], raw.get("error") or {}
            code, reason = str(fault.get("code") or ""), str(fault.get("message") or "")
        except self.faults as error:
            raise look_failed(error, self.name, self.key_list) from None
        if status in {"queued", "in_progress"}:
            return Look("running")
        if status == "completed":
            return Look("done", outputs=(job,), raw=raw)
        if status == "failed":
            return Look("refused" if is_moderation(code, reason) else "failed", code or "failed", reason, raw=raw)
        if status in {"cancelled", "canceled"}:
            return Look("cancelled", code, reason, raw=raw)
        raise TryAgainLater(f"{self.name}: a video of unknown status {str(status)[:40]!r}")

    @contextmanager
    def _content(self, order: Order, job: str, headers: Mapping[str, str]) -> Iterator[Any]:
        with self._videos(order).with_streaming_response.download_content(job, extra_headers=dict(headers)) as response:
            yield response.http_response

    def streamed(self, order: Order, look: Look, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """GET /v1/videos/ID/content, with the key: it is the service's own address."""
        return self._content(order, look.outputs[0], headers)

    def _videos(self, order: Order) -> Any:
        """The SDK's videos, without its warning: that OpenAI's own service ended is said when a run is planned."""
        client = self.client(order.model)
        warnings.filterwarnings("ignore", message="The Sora API", category=DeprecationWarning)
        return client.videos


def _moderated(answer: Answer) -> str | None:
    fault = answer.body.get("error") if isinstance(answer.body, dict) else None
    code = str((fault.get("code") if isinstance(fault, dict) else None) or "")
    return code if is_moderation(code) else None
