"""Runway: gen4.5 and every other model that its text-to-video API lists."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from bench.backends.hosted.answers import MALFORMED, Answer, is_moderation, look_failed, submit_failed
from bench.backends.hosted.backend import HostedBackend
from bench.backends.hosted.download import open_url
from bench.backends.hosted.jobs import AnswerLost, Look, Order, Receipt, TryAgainLater
from bench.backends.hosted.keys import find_key
from bench.backends.hosted.settings import HostedModel, is_here
from bench.backends.hosted.waiting import Limits

USD_A_CREDIT = 0.01
RUNNING = {"PENDING", "THROTTLED", "RUNNING"}
WIDE = {"ratio": "1280:720"}
SILENT = WIDE | {"audio": False}  # sound costs more and is not measured
FULL_HD = {"ratio": "1920:1080", "audio": False}
FOUR_K = {"ratio": "3840:2160", "audio": False}

# As the API spells it. gen4.5 comes as a zip of png pictures: lossless, for 5 credits a second more than mp4. Seeds
# give similar clips, at best; h3_max repeats nothing unless it is kept from rewriting the prompt.
MODELS: dict[str, HostedModel] = {
    "gen4.5": HostedModel(5, "similar", WIDE | {"outputFormat": "png_sequence"}, 1000),
    "veo3.1": HostedModel(4, "similar", SILENT, 1000),
    "veo3.1_fast": HostedModel(4, "similar", SILENT, 1000),
    "seedance2": HostedModel(5, "similar", SILENT, 3500),
    "seedance2_fast": HostedModel(5, "similar", SILENT, 3500),
    "seedance2_mini": HostedModel(5, "similar", SILENT, 3500),
    "seedance2_5": HostedModel(5, "similar", SILENT, 15000),
    "h3_max": HostedModel(5, "similar", {"resolution": "768p", "promptExpansionMode": "disabled"}),
    "kling2.5_turbo_pro": HostedModel(5, "no", WIDE),
    "kling3.0_standard": HostedModel(5, "no", SILENT),
    "kling3.0_pro": HostedModel(5, "no", FULL_HD),
    "kling3.0_4k": HostedModel(5, "no", FOUR_K),
    "klingO3_standard": HostedModel(5, "no", SILENT),
    "klingO3_pro": HostedModel(5, "no", FULL_HD),
    "klingO3_4k": HostedModel(5, "no", FOUR_K),
    "kling_4": HostedModel(5, "no", WIDE),
    "hailuo3": HostedModel(6, "no", {"ratio": "16:9", "resolution": "768p"}),
    "happyhorse_1_0": HostedModel(5, "no", WIDE, 2500),
    "wan3": HostedModel(5, "no", SILENT),
    "wan3_prime": HostedModel(5, "no", SILENT),
    "gemini_omni_flash": HostedModel(5, "no", WIDE),
    "gemini_omni_flash_1.1": HostedModel(5, "no", WIDE),
    "grok_imagine_1_5": HostedModel(5, "no", {"ratio": "16:9", "resolution": "720p"}),
    "grok_imagine_1_5_lite": HostedModel(5, "no", WIDE),
}


class RunwayBackend(HostedBackend):
    """Runway's API; needs RUNWAYML_API_SECRET."""

    name = "runway"
    module = distribution = "runwayml"
    key_names = ("RUNWAYML_API_SECRET",)
    base_url_name = "RUNWAYML_BASE_URL"
    table: ClassVar[Mapping[str, HostedModel]] = MODELS
    default = "gen4.5"
    usual = Limits(concurrency=3, poll_seconds=6.0)  # Runway asks for no more than a look in five seconds a task

    def connect(self, route: str) -> Any:
        """The SDK's client, without retries and kept connections."""
        sdk, key = self.sdk, find_key(self.key_names, self.name)
        import httpx

        return sdk.RunwayML(
            api_key=key,
            base_url=self.base_url,
            max_retries=0,
            timeout=self.limits.request_seconds,
            http_client=sdk.DefaultHttpxClient(limits=httpx.Limits(max_keepalive_connections=0)),
        )

    @property
    def faults(self) -> tuple[type[Exception], ...]:
        """The SDK's own, the HTTP library's, and what answers of the wrong shape raise."""
        import httpx

        return (self.sdk.RunwayMLError, httpx.HTTPError, httpx.StreamError, *MALFORMED)

    def arguments(self, model: str, prompt: str, seed: int, seconds: int) -> dict[str, Any]:
        """The body of POST /v1/text_to_video."""
        row = MODELS[model]
        seeds = {} if row.seeded == "no" else {"seed": seed}
        return {
            "model": model,
            "promptText": prompt,
            "duration": seconds,
            **row.arguments,
            **seeds,
            **self.settings.arguments,
        }

    def send(self, order: Order, key: str) -> Receipt:
        """POST /v1/text_to_video, once."""
        del key  # Runway documents no idempotency keys
        client, body = self.client(order.model), order.arguments
        try:
            task = client.text_to_video.create(model=body["model"], prompt_text=body["promptText"], extra_body=body)
            job, most = task.id, getattr(getattr(task, "estimated_cost", None), "credits", None)
        except self.faults as error:  # 503 is how Runway sheds load, by its own table of errors
            raise submit_failed(error, self.name, self.key_list, _moderated, frozenset({503})) from None
        if not isinstance(job, str) or not job:
            raise AnswerLost(f"{self.name}: the answer to the submit names no task")
        return Receipt(job, _usd(most))

    def look(self, order: Order, job: str) -> Look:
        """GET /v1/tasks/ID, once. The SDK's own wait ignores CANCELLED, so it is not used."""
        client = self.client(order.model)
        try:
            task = client.tasks.retrieve(job)
            raw = task.model_dump(mode="json", by_alias=True)
            status, charged = raw["status"], _usd((raw.get("cost") or {}).get("credits"))
        except self.faults as error:
            raise look_failed(error, self.name, self.key_list) from None
        if status in RUNNING:
            return Look("running")
        if status == "SUCCEEDED" and isinstance(raw.get("output"), list) and raw["output"]:
            zips = [url for url in raw["output"] if ".zip" in str(url)]  # sound comes as a file of its own
            return Look("done", charged_usd=charged, outputs=tuple(map(str, zips or raw["output"])), raw=raw)
        if status == "CANCELLED":
            return Look("cancelled", charged_usd=charged, raw=raw)
        if status == "FAILED":
            code, reason = str(raw.get("failureCode") or ""), str(raw.get("failure") or "")
            return Look("refused" if is_moderation(code) else "failed", code or "FAILED", reason, charged, raw=raw)
        raise TryAgainLater(f"{self.name}: a task of status {status!r} without what belongs to it")

    def streamed(self, order: Order, look: Look, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """The file at its url, which lives for a day or two."""
        del order
        return open_url(look.outputs, headers, self.limits.request_seconds, is_here(self.base_url))


def _moderated(answer: Answer) -> str | None:
    code = answer.body.get("code") if isinstance(answer.body, dict) else None
    return str(code) if code and is_moderation(str(code)) else None


def _usd(amount: object) -> float | None:
    """Credits as US dollars; None when that is no number."""
    return amount * USD_A_CREDIT if isinstance(amount, int | float) else None
