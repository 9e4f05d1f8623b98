"""fal: Kling, Hailuo, Luma, Seedance, Veo and any other endpoint of its queue, by id with a map of arguments."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

from bench.backends.hosted.answers import MALFORMED, Answer, is_moderation, look_failed, read_error, submit_failed
from bench.backends.hosted.backend import HostedBackend
from bench.backends.hosted.download import open_url
from bench.backends.hosted.jobs import AnswerLost, Look, Order, Receipt, TryAgainLater
from bench.backends.hosted.keys import find_key
from bench.backends.hosted.retired import refuse_retired
from bench.backends.hosted.settings import HostedModel, Settings, is_here
from bench.backends.hosted.waiting import Limits
from bench.records import FrameholdError, Seeded

WIDE = {"prompt": "{prompt}", "aspect_ratio": "16:9"}
SILENT = {"generate_audio": False}
ANY_ENDPOINT = HostedModel(5, "no", {"prompt": "{prompt}"})

# "{prompt}", "{seed}" (a number) and "{seconds}" (text) stand for what the suite and the options say.
ENDPOINTS: dict[str, HostedModel] = {
    "fal-ai/kling-video/v3/standard/text-to-video": HostedModel(5, "no", WIDE | SILENT | {"duration": "{seconds}"}),
    "fal-ai/kling-video/v3/pro/text-to-video": HostedModel(5, "no", WIDE | SILENT | {"duration": "{seconds}"}),
    "fal-ai/minimax/hailuo-2.3/standard/text-to-video": HostedModel(
        6, "no", {"prompt": "{prompt}", "duration": "{seconds}", "prompt_optimizer": False}
    ),
    "fal-ai/luma-dream-machine/ray-2-flash": HostedModel(
        5, "no", WIDE | {"duration": "{seconds}s", "resolution": "720p"}
    ),
    "bytedance/seedance-2.0/fast/text-to-video": HostedModel(
        5, "similar", WIDE | SILENT | {"duration": "{seconds}", "resolution": "720p", "seed": "{seed}"}
    ),
    "wan/v2.6/text-to-video": HostedModel(5, "no", WIDE | {"duration": "{seconds}", "resolution": "720p"}),
    "fal-ai/veo3.1": HostedModel(
        4,
        "similar",
        WIDE | SILENT | {"duration": "{seconds}s", "resolution": "720p", "seed": "{seed}", "auto_fix": False},
    ),
}


class FalSettings(Settings):
    """For endpoints that the table does not know: what a seed is worth there, and where the url of the video stands."""

    seeded: Seeded | None = None
    output: str = "video.url"


class FalBackend(HostedBackend):
    """Any endpoint of fal as fal/ENDPOINT, with its arguments as options; needs FAL_KEY."""

    name = "fal"
    module, distribution = "fal_client", "fal-client"
    key_names = ("FAL_KEY",)
    table: ClassVar[Mapping[str, HostedModel]] = ENDPOINTS
    settings_type = FalSettings
    settings: FalSettings
    usual = Limits(concurrency=2, poll_seconds=5.0)

    def check_model(self, model: str) -> None:
        """Any endpoint may be asked for, as OWNER/NAME and what follows."""
        refuse_retired(f"{self.name}/{model}")
        if "/" not in model or ".." in model or not all(part.strip() for part in model.split("/")):
            raise FrameholdError(f"--backend fal/{model}: expected an endpoint such as fal/{next(iter(ENDPOINTS))}")

    def row(self, model: str) -> HostedModel:
        """What the table says of an endpoint, or the least that any takes: a prompt."""
        row = self.table.get(model, ANY_ENDPOINT)
        seeded = self.settings.seeded or row.seeded
        return HostedModel(row.seconds, seeded, row.arguments, row.longest_prompt)

    def connect(self, route: str) -> Any:
        """The SDK's client. It repeats a submit ten times unless told not to, by a number of its module."""
        sdk, key = self.sdk, find_key(self.key_names, self.name)
        queue = sdk.client
        if not hasattr(queue, "MAX_ATTEMPTS") or not hasattr(queue, "QUEUE_URL_FORMAT"):
            raise FrameholdError(
                "this fal-client cannot be kept from repeating paid requests: pip install fal-client==1.0.3"
            )
        queue.MAX_ATTEMPTS = 1
        if self.base_url:
            queue.QUEUE_URL_FORMAT = self.base_url.rstrip("/") + "/"
        return sdk.SyncClient(key=key, default_timeout=self.limits.request_seconds)

    def close(self) -> None:
        """The SDK has no word for it: the HTTP client that it opened on first use is closed instead."""
        for client in self._clients.values():
            if "_client" in vars(client):
                vars(client)["_client"].close()
        super().close()

    @property
    def faults(self) -> tuple[type[Exception], ...]:
        """The SDK's own, the HTTP library's, and what answers of the wrong shape raise."""
        import httpx

        return (self.sdk.client.FalClientError, httpx.HTTPError, httpx.StreamError, *MALFORMED)

    def arguments(self, model: str, prompt: str, seed: int, seconds: int) -> dict[str, Any]:
        """The endpoint's arguments with prompt, seed and seconds in their places."""
        template = {**self.row(model).arguments, **self.settings.arguments}
        return {name: _filled(value, prompt, seed, seconds) for name, value in template.items()}

    def send(self, order: Order, key: str) -> Receipt:
        """POST queue.fal.run/ENDPOINT, once, over a connection of its own."""
        del key  # fal documents no idempotency keys
        client = self.client(order.model)
        try:
            job = client.submit(order.model, dict(order.arguments), headers={"Connection": "close"}).request_id
        except self.faults as error:
            raise submit_failed(error, self.name, self.key_list, _moderated) from None
        if not isinstance(job, str) or not job:
            raise AnswerLost(f"{self.name}: the answer to the submit names no request")
        return Receipt(job)

    def look(self, order: Order, job: str) -> Look:
        """GET the request's status, then its result, at addresses made here: whoever is asked gets the key."""
        client = self.client(order.model)
        try:
            status = client.status(order.model, job)
            if not isinstance(status, self.sdk.Completed):
                return Look("running")
            raw = client.result(order.model, job)
            url = _at(raw, self.settings.output)
        except self.faults as error:
            if fallen := _fallen(read_error(error)):
                return fallen
            raise look_failed(error, self.name, self.key_list) from None
        if status.error or status.error_type:
            return _ended(str(status.error_type or "FAILED"), str(status.error or ""), {"metrics": status.metrics})
        if not isinstance(url, str):
            raise TryAgainLater(f"fal: a finished request without {self.settings.output}")
        return Look("done", outputs=(url,), raw={"result": raw, "metrics": status.metrics})

    def streamed(self, order: Order, look: Look, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """The file at its url."""
        return open_url(look.outputs, headers, self.limits.request_seconds, is_here(self.base_url))


def _filled(value: Any, prompt: str, seed: int, seconds: int) -> Any:
    """A value of an argument map; a placeholder is looked for in the map only, never in the prompt."""
    if value == "{prompt}":
        return prompt
    if value == "{seed}":
        return seed
    return value.replace("{seconds}", str(seconds)) if isinstance(value, str) else value


def _at(content: Any, path: str) -> Any:
    """What stands at a dotted path; a number is a place in a list."""
    for name in path.split("."):
        content = content[int(name)] if isinstance(content, list) else content[name]
    return content


def _fallen(answer: Answer) -> Look | None:
    """A job whose result is an error: fal answers with the status and words of the model."""
    if (
        answer.status is None
        or not (400 <= answer.status < 500)
        or answer.status in {401, 402, 403, 404, 408, 409, 429}
    ):
        return None
    return _ended(_code(answer) or f"HTTP_{answer.status}", answer.text, {"detail": answer.body})


def _ended(code: str, reason: str, raw: Mapping[str, Any]) -> Look:
    return Look("refused" if is_moderation(code) else "failed", code, reason, raw=raw)


def _code(answer: Answer) -> str:
    """The type in {detail: [{type, msg}]}."""
    detail = answer.body.get("detail") if isinstance(answer.body, dict) else answer.body
    first = detail[0] if isinstance(detail, list) and detail else None
    return str(first.get("type") or "") if isinstance(first, dict) else ""


def _moderated(answer: Answer) -> str | None:
    code = _code(answer)
    return code if is_moderation(code) else None
