"""Google: Veo on Vertex AI, and Gemini's video models through the interactions of the Developer API."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from bench.backends.hosted.answers import MALFORMED, Answer, download_failed, is_moderation, look_failed, submit_failed
from bench.backends.hosted.backend import HostedBackend
from bench.backends.hosted.download import Download
from bench.backends.hosted.jobs import AnswerLost, Look, NoService, Order, Receipt, Rejected, TryAgainLater
from bench.backends.hosted.keys import check_private, find_key, one_line
from bench.backends.hosted.settings import HostedModel, Settings
from bench.backends.hosted.waiting import Limits
from bench.records import FrameholdError

VERTEX, DEVELOPER = "vertex", "developer"
CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"
VEO = HostedModel(4, "similar", {"aspect_ratio": "16:9", "resolution": "720p", "generate_audio": False})
GEMINI = HostedModel(5, "no", {"aspect_ratio": "16:9", "resolution": "720p", "delivery": "uri"})
WAITING = {"in_progress", "queued", "requires_continuation"}


class GoogleSettings(Settings):
    """A project puts Veo on Vertex under the account's own credentials; without one it takes an API key."""

    project: str | None = None
    location: str = "us-central1"


class GoogleVideoBackend(HostedBackend):
    """Veo on Vertex and gemini-omni through interactions; needs GEMINI_API_KEY, or for Veo the option project."""

    name = "google-video"
    module, distribution = "google.genai", "google-genai"
    key_names = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
    table: ClassVar[Mapping[str, HostedModel]] = {
        "veo-3.1-generate-001": VEO,
        "veo-3.1-fast-generate-001": VEO,
        "gemini-omni-1.1-flash": GEMINI,
    }
    default = "veo-3.1-generate-001"
    settings_type = GoogleSettings
    settings: GoogleSettings
    usual = Limits(concurrency=3, poll_seconds=10.0, requests_per_second=0.5)

    def route(self, model: str) -> str:
        """Veo is on Vertex, the rest on the Developer API."""
        return VERTEX if model.startswith("veo-") else DEVELOPER

    def connect(self, route: str) -> Any:
        """The SDK's client, without retries (interactions would make four of their own) and kept connections."""
        genai = self.sdk
        import httpx

        options = genai.types.HttpOptions(
            base_url=self.base_url,
            timeout=int(1000 * self.limits.request_seconds),
            retry_options=genai.types.HttpRetryOptions(attempts=1),
            client_args={"limits": httpx.Limits(max_keepalive_connections=0)},
        )
        project = self.settings.project
        if route == DEVELOPER or project is None:
            key = find_key(self.key_names, self.name)
            return genai.Client(vertexai=route == VERTEX, api_key=key, http_options=options)
        return genai.Client(
            vertexai=True,
            project=project,
            location=self.settings.location,
            credentials=_credentials(project),
            http_options=options,
        )

    @property
    def faults(self) -> tuple[type[Exception], ...]:
        """The SDK's own (two families), its credentials', the HTTP library's, and those of malformed answers."""
        import httpx
        from google.genai._interactions import GeminiNextGenAPIClientError

        own = (self.sdk.errors.APIError, GeminiNextGenAPIClientError)
        return (*own, *self._no_credentials, httpx.HTTPError, httpx.StreamError, *MALFORMED)

    @property
    def _no_credentials(self) -> tuple[type[Exception], ...]:
        from google.auth.exceptions import GoogleAuthError

        return (GoogleAuthError,)

    def arguments(self, model: str, prompt: str, seed: int, seconds: int) -> dict[str, Any]:
        """What GenerateVideosConfig takes, or the response_format of an interaction."""
        own = {"model": model, "prompt": prompt, **self.row(model).arguments}
        if self.route(model) == VERTEX:
            own |= {"number_of_videos": 1, "duration_seconds": seconds, "seed": seed}
        else:
            own["duration"] = f"{seconds}s"
        return own | self.settings.arguments

    def send(self, order: Order, key: str) -> Receipt:
        """POST models/M:predictLongRunning or POST interactions, once."""
        del key  # neither has idempotency keys
        body = dict(order.arguments)
        model, prompt = body.pop("model"), body.pop("prompt")
        client, types = self.client(order.model), self.sdk.types
        try:
            config = types.GenerateVideosConfig(**body) if self.route(model) == VERTEX else None
        except ValidationError as error:
            raise Rejected("ARGUMENTS", f"{self.name}: argument {error.errors()[0]['loc'][0]} is not known") from None
        try:
            if config is not None:
                source = types.GenerateVideosSource(prompt=prompt)
                job = client.models.generate_videos(model=model, source=source, config=config).name
            else:  # in the foreground the SDK would go on by itself where an answer is cut short, and pay
                made = client.interactions.create(
                    model=model,
                    input=prompt,
                    background=True,
                    store=True,
                    response_format={"type": "video", **body},
                )
                job = made.id
        except self._no_credentials as error:  # they are fetched before anything is sent
            raise NoService(
                f"{self.name}: the credentials do not work ({one_line(str(error))}): log in again"
            ) from None
        except self.faults as error:
            raise submit_failed(error, self.name, self.key_list, _moderated) from None
        if not isinstance(job, str) or not job:
            raise AnswerLost(f"{self.name}: the answer to the submit names no operation")
        return Receipt(job)

    def look(self, order: Order, job: str) -> Look:
        """POST models/M:fetchPredictOperation or GET interactions/ID, once."""
        client = self.client(order.model)
        try:
            if self.route(order.model) == VERTEX:
                return _operation(client.operations.get(self.sdk.types.GenerateVideosOperation(name=job)))
            return _interaction(client.interactions.get(job))
        except self._no_credentials as error:
            raise TryAgainLater(f"{self.name}: the credentials do not work ({one_line(str(error))})") from None
        except self.faults as error:
            raise look_failed(error, self.name, self.key_list) from None

    def save(self, order: Order, look: Look, download: Download) -> None:
        """By the SDK, which gives the key to Google's own file store only. It cannot go on where it broke off."""
        if look.content is not None:
            super().save(order, look, download)
            return
        download.start_over()
        try:
            self.client(order.model).files.download(file=look.outputs[0], destination=str(download.part))
        except self.faults as error:
            raise download_failed(error, self.name) from None

    def streamed(self, order: Order, look: Look, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """Never asked for: a clip comes along with the answer, or by the SDK's own download."""
        raise TryAgainLater(f"{self.name}: the clip of a finished job is not where it should be")


def _credentials(project: str) -> Any:
    """The account's own, from where Google's tools put them. Raises FrameholdError where there are none to trust."""
    import google.auth
    from google.auth.exceptions import GoogleAuthError

    if path := os.environ.get(CREDENTIALS):
        check_private(Path(path))
    try:
        return google.auth.default(scopes=[SCOPE])[0]
    except GoogleAuthError:
        raise FrameholdError(
            f"google-video: no credentials for project {project}: run `gcloud auth application-default login`, "
            f"or name a file with {CREDENTIALS}"
        ) from None


def _operation(operation: Any) -> Look:
    """A look at Veo's job. Raises MALFORMED or TryAgainLater where it says nothing that makes sense."""
    if not operation.done:
        return Look("running")
    raw = {"name": operation.name, "metadata": operation.metadata, "error": operation.error}
    if operation.error:
        code, reason = str(operation.error.get("code", "")), str(operation.error.get("message", ""))
        return Look("refused" if is_moderation("", reason) else "failed", code, reason, raw=raw)
    response = operation.response
    videos = response.generated_videos or []
    reasons = response.rai_media_filtered_reasons or []
    raw |= {"filtered": response.rai_media_filtered_count, "filtered_reasons": reasons}
    if not videos and response.rai_media_filtered_count:
        return Look("refused", "RAI_MEDIA_FILTERED", "; ".join(map(str, reasons)), raw=raw)
    content = videos[0].video.video_bytes
    if not content:
        raise TryAgainLater("google-video: a finished operation without its video")
    return Look("done", content=content, raw=raw)


def _interaction(interaction: Any) -> Look:
    """A look at a job of the interactions. Raises as `_operation`."""
    raw = interaction.model_dump(mode="json", exclude={"input", "steps", "output_video", "output_text"})
    status = str(interaction.status)
    if status in WAITING:
        return Look("running")
    faults = [*(interaction.errors or []), *(getattr(step, "error", None) for step in interaction.steps or [])]
    code = next((str(fault.code) for fault in faults if fault and fault.code), status)
    reason = "; ".join(str(fault.message) for fault in faults if fault and fault.message)
    video = interaction.output_video
    if status == "completed" and video is not None and (video.data or video.uri):
        content = base64.b64decode(video.data, validate=True) if video.data else None
        return Look("done", outputs=(str(video.uri),) if video.uri else (), content=content, raw=raw)
    if status == "completed" and not interaction.steps:
        raise TryAgainLater("google-video: a finished interaction without its steps")
    if is_moderation(code, reason):
        return Look("refused", code, reason, raw=raw)
    if status == "cancelled":
        return Look("cancelled", raw=raw)
    return Look("failed", code, reason or "it ended without a video", raw=raw)


def _moderated(answer: Answer) -> str | None:
    """Both routes answer {error: {code, message, status}}."""
    fault = answer.body.get("error") if isinstance(answer.body, dict) else None
    if answer.status != 400 or not isinstance(fault, dict) or not is_moderation("", str(fault.get("message", ""))):
        return None
    return str(fault.get("status") or fault.get("code") or "MODERATION")
