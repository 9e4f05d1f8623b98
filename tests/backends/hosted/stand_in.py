"""Stand-ins for the providers: local servers that speak their real wire formats, and fail as asked or at random.

A provider's job is known by its prompt, so that tests can say what becomes of it, and count how often it was paid for.
"""

from __future__ import annotations

import base64
import io
import json
import os
import random
import re
import signal
import threading
import time
import zipfile
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.parser import BytesParser
from email.utils import format_datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from bench.video import write_preview

KEY = "key_" + "5ec7e7" * 10
FRAMES, SIDE, VARIANTS = 8, 32, 3
USD = 1.0  # of every clip
SKEW = timedelta(days=400)  # the stand-ins' clocks are wrong by more than a year

# What makes a job and loses the answer, what turns a submit away, what a look and a download can suffer.
LOST = ("500", "502", "504", "hang", "drop", "garbage", "nameless")
TURNED_AWAY = ("429", "429-date", "503")
LOOK_FAULTS = ("429", "429-date", "500", "502", "503", "hang", "drop", "garbage", "404")
DOWNLOAD_FAULTS = ("short", "garbage", "expired", "500", "drop", "cut")


@cache
def movie(variant: int) -> bytes:
    """A small mp4; each variant shows something else."""
    rng = np.random.default_rng(variant)
    pictures = [rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8) for _ in range(FRAMES)]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        write_preview(path, pictures, 8.0)
        return path.read_bytes()


@cache
def pictures(variant: int) -> bytes:
    """A zip of png pictures, as png_sequence gives, named so that text order is not their order."""
    rng = np.random.default_rng(variant)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for index in range(FRAMES * 2):
            picture = io.BytesIO()
            Image.fromarray(rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8)).save(picture, "PNG")
            archive.writestr(f"frames/frame{index}.png", picture.getvalue())
        archive.writestr("../../evil.txt", "no")
    return content.getvalue()


@dataclass
class Job:
    """A paid job as the provider knows it."""

    id: str
    prompt: str
    body: dict[str, Any]
    outcome: str
    looks_left: int
    tokens: set[str] = field(default_factory=set)


@dataclass
class Weather:
    """What goes wrong: what a test has lined up, else at random. Rates are shares of requests."""

    rng: random.Random = field(default_factory=lambda: random.Random(0))
    lined_up: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    rates: dict[str, float] = field(default_factory=dict)
    had: Counter[str] = field(default_factory=Counter)

    def pick(self, kind: str, faults: tuple[str, ...]) -> str:
        """The fault that befalls this request; empty for none."""
        fault = ""
        if self.lined_up[kind]:
            fault = self.lined_up[kind].popleft()
        elif self.rng.random() < self.rates.get(kind, 0.0):
            fault = self.rng.choice(faults)
        if fault:
            self.had[f"{kind} {fault}"] += 1
        return fault


class StandIn:
    """A provider on loopback. Subclasses say how its requests are spelt."""

    model = ""

    def __init__(self) -> None:
        self.options: dict[str, Any] = {}
        self.weather, self.lock = Weather(), threading.RLock()
        self.jobs: dict[str, Job] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.bodies: list[dict[str, Any]] = []
        self.outcomes: dict[str, str] = {}
        self.keys_seen: dict[str, Job] = {}
        self.refuse_at_submit: set[str] = set()
        self.looks = 0
        self.may_end: int | None = None  # jobs that may end in all; None: any number
        self.before_answer: Any = None  # called with the kind of request, when its work is done and nothing is said yet
        self.idempotency = ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def paid(self) -> Counter[str]:
        """How many jobs each prompt made."""
        with self.lock:
            return Counter(job.prompt for job in self.jobs.values())

    @property
    def charged_usd(self) -> float:
        """What the account has been charged: all jobs but those that failed."""
        with self.lock:
            return sum(USD for job in self.jobs.values() if job.outcome in {"done", "slow"})

    def make(self, body: dict[str, Any], prompt: str, key: str | None = None) -> Job:
        """A new job, or the old one where the same idempotency key came before."""
        with self.lock:
            if key and key in self.keys_seen:
                return self.keys_seen[key]
            outcome = self.outcomes.get(prompt, "done")
            looks = (
                10**9 if outcome == "slow" else self.weather.rng.choice((0, 1, 1, 2)) if self.looks < 0 else self.looks
            )
            job = Job(f"job-{len(self.jobs)}-{self.weather.rng.getrandbits(32):08x}", prompt, body, outcome, looks)
            self.jobs[job.id] = job
            if key:
                self.keys_seen[key] = job
            return job

    def content(self, job: Job) -> bytes:
        """The clip's file."""
        return movie(sum(job.prompt.encode()) % VARIANTS)

    def token(self, job: Job) -> str:
        """A fresh signature for the job's url; old ones die."""
        with self.lock:
            job.tokens = {f"{self.weather.rng.getrandbits(64):016x}"}
            return next(iter(job.tokens))

    def look(self, job_id: str) -> Job | None:
        """The job, one look nearer to its end."""
        with self.lock:
            job = self.jobs.get(job_id)
            if job and (job.looks_left != 0 or self._lets_end()):
                job.looks_left -= 1
            return job

    def _lets_end(self) -> bool:
        ended = sum(job.looks_left < 0 for job in self.jobs.values())
        return self.may_end is None or ended < self.may_end

    def handle(self, web: Web) -> None:
        """Answer one request."""
        raise NotImplementedError

    @contextmanager
    def open(self) -> Iterator[StandIn]:
        """Serve until the block ends."""
        stand_in = self

        class Handler(Web):
            provider = stand_in

        with Server(("127.0.0.1", 0), Handler) as server:
            self.port = server.server_address[1]
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
            try:
                yield self
            finally:
                server.shutdown()


class Server(ThreadingHTTPServer):
    """Says nothing of clients that are killed."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """The client is gone."""


class Dropped(Exception):
    """The connection is to be closed without another word."""


class Web(BaseHTTPRequestHandler):
    """One request and the ways to answer it."""

    protocol_version = "HTTP/1.1"
    provider: StandIn

    def log_message(self, *args: object) -> None:
        """Nothing: tests read what was asked from `asked`."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """By a clock that is wrong."""
        return format_datetime(datetime.now(UTC) - SKEW, usegmt=True)

    def serve(self) -> None:
        self.path, _, self.query = self.path.partition("?")
        length = int(self.headers.get("content-length") or 0)
        self.raw = self.rfile.read(length)
        self.provider.asked.append(
            (self.command, self.path, {name.lower(): value for name, value in self.headers.items()})
        )
        try:
            self.provider.handle(self)
        except (Dropped, ConnectionError):
            self.close_connection = True

    do_GET = do_POST = serve  # noqa: N815 - names of the standard library

    def fields(self) -> dict[str, Any]:
        """The body: JSON, or the fields of a form."""
        kind = self.headers.get("content-type", "")
        if "multipart" not in kind:
            return dict(json.loads(self.raw or b"{}"))
        message = BytesParser().parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + self.raw)
        parts = [part for part in message.walk() if not part.is_multipart()]
        return {str(part.get_param("name", header="content-disposition")): str(part.get_payload()) for part in parts}

    def answer(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        kind = "application/octet-stream" if isinstance(content, bytes) else "application/json"
        for name, value in ({"Content-Type": kind, "Content-Length": str(len(body))} | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def fail(self, fault: str, wrong: dict[str, Any]) -> None:
        """Suffer that fault. The text quotes the key, as some services do."""
        words = f"sorry, {self.headers.get('Authorization') or self.headers.get('x-goog-api-key')} went wrong"
        text = {"error": {"code": "oops", "message": words}, "detail": words}
        if fault == "hang":
            time.sleep(self.provider.options["request_seconds"] + 0.3)
            raise Dropped
        if fault == "drop":
            raise Dropped
        if fault == "garbage":
            self.answer(200, b"<html>welcome", {"Content-Type": "application/json"})
        elif fault == "nameless":
            self.answer(200, wrong)
        elif fault == "429-date":
            soon = format_datetime(datetime.now(UTC) - SKEW + timedelta(seconds=0), usegmt=True)
            self.answer(429, text, {"Retry-After": soon})
        elif fault in {"429", "503"}:
            self.answer(int(fault), text, {"Retry-After": "0"})
        else:
            self.answer(int(fault), text)

    def submit(self, prompt: str, accepted: Any, refused: tuple[int, dict[str, Any]], wrong: dict[str, Any]) -> None:
        """Answer a submit: turned away, refused, lost, or `accepted(job)`."""
        provider = self.provider
        fault = provider.weather.pick("submit", LOST + TURNED_AWAY)
        self.told("submit asked")
        if fault in TURNED_AWAY or fault in {"400", "401", "402"}:
            self.fail(fault, wrong)
            return
        if prompt in provider.refuse_at_submit:
            self.answer(*refused)
            return
        body = self.fields()
        provider.bodies.append(body)
        job = provider.make(body, prompt, self.headers.get(provider.idempotency) if provider.idempotency else None)
        self.told("submit")
        if fault:
            self.fail(fault, wrong)
        else:
            self.answer(200, accepted(job))
        self.told("submit answered")

    def seen(self, job_id: str, shown: Any, wrong: dict[str, Any]) -> None:
        """Answer a look: a fault, 404, or `shown(job)`."""
        fault = self.provider.weather.pick("look", LOOK_FAULTS)
        if fault:
            self.fail(fault, wrong)
            return
        job = self.provider.look(job_id)
        self.told("look")
        if job is None:
            self.answer(404, {"error": {"message": "no such job"}, "detail": "no such job"})
        else:
            shown(job)

    def file(self, job: Job | None, alive: bool = True) -> None:
        """Answer a download, in ranges where asked."""
        fault = self.provider.weather.pick("download", DOWNLOAD_FAULTS)
        self.told("download")
        if fault == "drop":
            raise Dropped
        if job is None or not alive or fault == "expired":
            self.answer(403, {"error": "expired"})
            return
        if fault == "500":
            self.answer(500, {"error": "later"})
            return
        whole = self.provider.content(job)
        if fault == "garbage":
            self.answer(200, bytes(len(whole)))
            return
        part = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        etag = f'"{job.id}"'
        start = int(part[1]) if part and self.headers.get("If-Range") == etag else 0
        content, headers = whole[start:], {"ETag": etag}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
        if fault == "cut":  # no length is announced, so only decoding tells
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(whole[: len(whole) // 2])
            raise Dropped
        self.send_response(206 if start else 200)
        for name, value in (headers | {"Content-Length": str(len(content))}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if fault == "short" else content)
        if fault == "short":
            raise Dropped

    def told(self, kind: str) -> None:
        if self.provider.before_answer:
            self.provider.before_answer(kind)


# ---- the providers -----------------------------------------------------------------------------------------------


class Runway(StandIn):
    """api.dev.runwayml.com, version 2024-11-06."""

    model = "runway/gen4.5"

    def handle(self, web: Web) -> None:
        if web.path == "/v1/text_to_video":
            refused = 400, {"error": "not like this", "code": "SAFETY.INPUT.TEXT"}
            prompt = web.fields()["promptText"]
            price = {"credits": 100 * USD}
            web.submit(prompt, lambda job: {"id": job.id, "estimatedCost": price}, refused, {"estimatedCost": price})
        elif web.path.startswith("/v1/tasks/"):
            web.seen(web.path.rpartition("/")[2], lambda job: self._task(web, job), {"id": "x", "status": "DREAMING"})
        else:
            job = self.jobs.get(Path(web.path).stem)
            web.file(job, job is not None and web.query.partition("=")[2] in job.tokens)

    def content(self, job: Job) -> bytes:
        if job.body.get("outputFormat") == "png_sequence":
            return pictures(sum(job.prompt.encode()) % VARIANTS)
        return super().content(job)

    def _task(self, web: Web, job: Job) -> None:
        task: dict[str, Any] = {"id": job.id, "createdAt": "2020-01-01T00:00:00Z", "status": "RUNNING"}
        none, all_of_it = {"credits": 0}, {"credits": int(100 * USD)}
        if job.looks_left >= 0:
            status = ("PENDING", "THROTTLED", "RUNNING")[job.looks_left % 3]
            task |= {"status": status, "estimatedCost": all_of_it, "progress": 0.5}
        elif job.outcome == "failed":
            words = f"broke, {web.headers['Authorization']}"
            task |= {"status": "FAILED", "failure": words, "failureCode": "INTERNAL.BAD_OUTPUT.CODE01", "cost": none}
        elif job.outcome == "refused":
            task |= {"status": "FAILED", "failure": "moderated", "failureCode": "SAFETY.OUTPUT.VIDEO", "cost": none}
        elif job.outcome == "cancelled":
            task |= {"status": "CANCELLED", "cost": none}
        else:
            suffix = "zip" if job.body.get("outputFormat") == "png_sequence" else "mp4"
            url = f"{self.url}/assets/{job.id}.{suffix}?_jwt={self.token(job)}"
            task |= {"status": "SUCCEEDED", "cost": all_of_it, "output": [f"{self.url}/assets/sound.wav?_jwt=1", url]}
            if suffix == "mp4":
                task["output"] = [url]
        web.answer(200, task)


class OpenAI(StandIn):
    """/v1/videos of whoever serves it."""

    model = "openai-video/sora-2"

    def handle(self, web: Web) -> None:
        if web.path == "/v1/videos":
            refused = 400, {"error": {"code": "moderation_blocked", "message": "no", "type": "invalid_request_error"}}
            web.submit(web.fields()["prompt"], lambda job: self._video(job, "queued"), refused, {"object": "video"})
        elif web.path.endswith("/content"):
            web.file(self.jobs.get(web.path.split("/")[-2]))
        else:
            web.seen(web.path.rpartition("/")[2], lambda job: self._shown(web, job), {"object": "video", "id": "x"})

    def _video(self, job: Job, status: str) -> dict[str, Any]:
        return {"id": job.id, "object": "video", "model": "sora-2", "status": status, "progress": 0, "seconds": "4",
                "created_at": 0, "size": "1280x720", "prompt": job.prompt}  # fmt: skip

    def _shown(self, web: Web, job: Job) -> None:
        if job.looks_left >= 0:
            web.answer(200, self._video(job, "in_progress"))
        elif job.outcome in {"failed", "refused"}:
            code = "server_error" if job.outcome == "failed" else "moderation_blocked"
            fault = {"code": code, "message": f"no, {web.headers['Authorization']}"}
            web.answer(200, self._video(job, "failed") | {"error": fault})
        else:
            web.answer(200, self._video(job, "cancelled" if job.outcome == "cancelled" else "completed"))


class Veo(StandIn):
    """Vertex with an API key."""

    model = "google-video/veo-3.1-generate-001"

    def handle(self, web: Web) -> None:
        fields = web.fields()
        if web.path.endswith(":predictLongRunning"):
            prompt = fields["instances"][0]["prompt"]
            words = "The prompt could not be submitted: it violates the usage guidelines. Support codes: 58061214"
            refused = 400, {"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}}
            web.submit(
                prompt, lambda job: {"name": f"{web.path[9:].partition(':')[0]}/operations/{job.id}"}, refused, {}
            )
        else:
            name = fields["operationName"]
            web.seen(name.rpartition("/")[2], lambda job: self._operation(web, job, name), {"done": True})

    def _operation(self, web: Web, job: Job, name: str) -> None:
        said: dict[str, Any] = {"name": name}
        video = {"bytesBase64Encoded": base64.b64encode(self.content(job)).decode(), "mimeType": "video/mp4"}
        if job.looks_left < 0:
            said["done"] = True
            if job.outcome == "failed":
                said["error"] = {"code": 13, "message": f"internal, {web.headers['x-goog-api-key']}"}
            elif job.outcome == "cancelled":
                said["error"] = {"code": 1, "message": "cancelled"}
            elif job.outcome == "refused":
                said["response"] = {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": ["Support codes: 1"]}
            else:
                said["response"] = {"videos": [video]}
        web.answer(200, said)


class Gemini(StandIn):
    """The Developer API's interactions."""

    model = "google-video/gemini-omni-1.1-flash"

    def handle(self, web: Web) -> None:
        if web.path.endswith("/interactions"):
            words = "This prompt violates our safety rules"
            refused = 400, {"error": {"code": 400, "message": words, "status": "INVALID_ARGUMENT"}}
            shown = {"status": "in_progress", "object": "interaction"}
            web.submit(web.fields()["input"], lambda job: {"id": job.id} | shown, refused, shown)
        elif web.path.endswith(":download"):
            web.file(
                self.jobs.get(web.path.rpartition("/")[2].partition(":")[0].replace("j0b", "job-").replace("x", "-"))
            )
        else:
            web.seen(web.path.rpartition("/")[2], lambda job: self._interaction(web, job), {"status": "completed"})

    def _interaction(self, web: Web, job: Job) -> None:
        said: dict[str, Any] = {"id": job.id, "object": "interaction", "status": "in_progress"}
        if job.looks_left < 0 and job.outcome in {"failed", "refused"}:
            code = "internal" if job.outcome == "failed" else "safety_blocked"
            said |= {"status": "failed", "errors": [{"code": code, "message": f"no, {web.headers['x-goog-api-key']}"}]}
        elif job.looks_left < 0 and job.outcome == "cancelled":
            said["status"] = "cancelled"
        elif job.looks_left < 0:
            name = job.id.replace("job-", "j0b").replace("-", "x")  # a file's name has letters and digits only
            uri = f"{self.url}/v1beta/files/{name}:download?alt=media"
            video = {"type": "video", "uri": uri, "mime_type": "video/mp4"}
            said |= {"status": "completed", "steps": [{"type": "model_output", "content": [video]}]}
        web.answer(200, said)


class Fal(StandIn):
    """queue.fal.run."""

    model = "fal/fal-ai/kling-video/v3/pro/text-to-video"

    def handle(self, web: Web) -> None:
        if web.path.startswith("/media/"):
            web.file(self.jobs.get(Path(web.path).stem))
        elif web.command == "POST":
            refused = (
                422,
                {"detail": [{"type": "content_policy_violation", "msg": "flagged", "loc": ["body", "prompt"]}]},
            )
            web.submit(web.fields()["prompt"], self._queued, refused, {"status": "IN_QUEUE"})
        elif web.path.endswith("/status"):
            web.seen(web.path.split("/")[-2], lambda job: self._status(web, job), {"status": "ASLEEP"})
        else:
            web.seen(web.path.split("/")[-1], lambda job: self._result(web, job), {"video": None})

    def _queued(self, job: Job) -> dict[str, Any]:
        away = f"https://elsewhere.invalid/requests/{job.id}"  # whoever followed these would take the key along
        return {"request_id": job.id, "status": "IN_QUEUE", "queue_position": 0, "response_url": away,
                "status_url": away, "cancel_url": away}  # fmt: skip

    def _status(self, web: Web, job: Job) -> None:
        if job.looks_left >= 0:
            said: dict[str, Any] = {"status": "IN_QUEUE", "queue_position": 1}
            if job.looks_left % 2:
                said = {"status": "IN_PROGRESS", "logs": None}
            web.answer(202, said)
            return
        said = {"status": "COMPLETED", "logs": None, "metrics": {"inference_time": 1.0}}
        web.answer(200, said)

    def _result(self, web: Web, job: Job) -> None:
        if job.outcome == "refused":
            web.answer(422, {"detail": [{"type": "content_policy_violation", "msg": "flagged"}]})
        elif job.outcome in {"failed", "cancelled"}:
            words = f"broke, {web.headers['Authorization']}"
            web.answer(400, {"detail": [{"type": "generation_failed", "msg": words}]})
        else:
            web.answer(200, {"video": {"url": f"{self.url}/media/{job.id}.mp4", "content_type": "video/mp4"}})


STAND_INS: dict[str, type[StandIn]] = {
    "runway": Runway, "openai-video": OpenAI, "veo": Veo, "gemini": Gemini, "fal": Fal
}  # fmt: skip


def options_of(stand_in: StandIn, **more: Any) -> dict[str, Any]:
    """Backend options that lead to the stand-in, in a hurry."""
    suffix = "/v1" if isinstance(stand_in, OpenAI) else ""
    hurry = {"poll_seconds": 0.01, "first_wait_seconds": 0.01, "longest_wait_seconds": 0.05, "requests_per_second": 1e4}
    options = {"base_url": stand_in.url + suffix, "request_seconds": 5.0, "usd_per_clip": USD, **hurry, **more}
    stand_in.options = options
    return options


def kill(pid: int) -> None:
    """End a process as a power cut would."""
    os.kill(pid, signal.SIGKILL)
