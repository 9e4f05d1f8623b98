"""What all hosted backends share: orders from prompts, prices, and the five words of a backend.

A provider adds its table of models, `arguments` (what is sent), `send`, `look` and `streamed`.
"""

from __future__ import annotations

import os
import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

from pydantic import ValidationError

from bench.backends.hosted.answers import download_failed
from bench.backends.hosted.download import Download, checked_clip
from bench.backends.hosted.jobs import TOO_LONG, HostedError, Look, Order, Receipt
from bench.backends.hosted.prices import find_price
from bench.backends.hosted.retired import refuse_retired
from bench.backends.hosted.settings import HostedModel, Settings, check_url, utf16_units
from bench.backends.hosted.waiting import Limits, patiently, pause, settings_of
from bench.records import (
    Clip,
    ClipKey,
    ClipRequest,
    FrameholdError,
    Json,
    MissingClip,
    Plan,
    Quote,
    Suite,
    fingerprint,
)


class HostedBackend(ABC):
    """A provider behind an API. Built without a key, a request or its SDK: those wait until money is to be spent."""

    name: ClassVar[str]
    module: ClassVar[str]
    """The SDK's package to import; `distribution` is what to install."""
    distribution: ClassVar[str]
    key_names: ClassVar[tuple[str, ...]]
    table: ClassVar[Mapping[str, HostedModel]]
    default: ClassVar[str | None] = None
    """The model asked for when none is named: one, since each costs money."""
    base_url_name: ClassVar[str] = ""
    settings_type: ClassVar[type[Settings]] = Settings
    usual: ClassVar[Limits] = Limits()
    idempotent = False
    """Whether the provider makes one job of two submits with the same key."""

    def __init__(self, **options: Any) -> None:
        try:
            self.settings = self.settings_type.model_validate(options)
        except ValidationError as error:
            fault = error.errors(include_url=False)[0]
            where = ".".join(map(str, fault["loc"])) or "options"
            raise FrameholdError(f"{self.name} options: {where}: {fault['msg'].lower()}") from None
        check_url(self.name, self.base_url)
        names = set(Limits.__dataclass_fields__)
        self.limits = settings_of(self.settings.model_dump(include=names), self.usual)
        self._clients: dict[str, Any] = {}
        self._folders: list[TemporaryDirectory[str]] = []
        self._opening = threading.Lock()

    # ---- what a provider says for itself

    @abstractmethod
    def arguments(self, model: str, prompt: str, seed: int, seconds: int) -> dict[str, Any]:
        """What is sent for one clip, spelt as the SDK takes it, the options' own arguments on top."""

    @abstractmethod
    def send(self, order: Order, key: str) -> Receipt:
        """Submit once. Raises NoJob, AnswerLost, Rejected or NoService."""

    @abstractmethod
    def look(self, order: Order, job: str) -> Look:
        """Ask for a job once. Raises TryAgainLater (JobGone) or NoService."""

    @abstractmethod
    def streamed(self, order: Order, look: Look, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """Open the download of a finished job, as a response of httpx."""

    @property
    @abstractmethod
    def faults(self) -> tuple[type[Exception], ...]:
        """What the SDK raises when a request fails, or its answer makes no sense."""

    @abstractmethod
    def connect(self, route: str) -> Any:
        """A client of the SDK, its own retries switched off: a submit that it repeats could be paid for twice.

        It keeps no connection alive: a submit down one that died meanwhile would look lost.
        """

    def route(self, model: str) -> str:
        """Which client serves that model, where a provider needs several."""
        del model
        return ""

    def check_model(self, model: str) -> None:
        """Raises FrameholdError for a model that cannot be had, naming what can be."""
        refuse_retired(f"{self.name}/{model}")
        if model not in self.table:
            raise FrameholdError(f"--backend {self.name}/{model}: {self.name} has {', '.join(self.table)}")

    def row(self, model: str) -> HostedModel:
        """The table's row of that model."""
        return self.table[model]

    def save(self, order: Order, look: Look, download: Download) -> None:
        """Bring a finished job's file to `download.part`. Raises TryAgainLater (OutputExpired)."""
        if look.content is not None:
            download.part.write_bytes(look.content)
            return
        try:
            download.attempt(lambda headers: self.streamed(order, look, headers))
        except self.faults as error:
            raise download_failed(error, self.name) from None

    # ---- the five words

    def models(self) -> tuple[str, ...]:
        """The models the provider lists, as `backend/model`."""
        return tuple(f"{self.name}/{model}" for model in self.table)

    def default_models(self) -> tuple[str, ...]:
        """What is asked for when no model is named. Raises FrameholdError where one has to be."""
        if self.default is None:
            raise FrameholdError(f"--backend {self.name}: which model? Name one: --backend {self.name}/MODEL")
        return (f"{self.name}/{self.default}",)

    def plan(self, suite: Suite, models: tuple[str, ...]) -> Plan:
        """A request for every model x prompt x seed, what they cost, and what should be known before paying."""
        orders = {}
        for name in models:
            self.check_model(self._own(name))
            keys = [(ClipKey(name, prompt.id, seed), prompt) for prompt in suite.prompts for seed in prompt.seeds]
            orders[name] = [self.order(ClipRequest(key, prompt)) for key, prompt in keys]
        quotes = [quote for name, asked in orders.items() for quote in _quotes(name, asked)]
        return Plan(
            tuple(order.request for asked in orders.values() for order in asked),
            sum(quote.clips * quote.usd_a_clip for quote in quotes if quote.usd_a_clip is not None),
            tuple(quotes),
            tuple(note for name, asked in orders.items() for note in _notes(name, asked)),
        )

    def submit(self, request: ClipRequest) -> str:
        """Submit once, outside of any ledger. Raises MissingClip or FrameholdError."""
        try:
            return self.send(self.order(request), request.key.clip_id).job
        except HostedError as error:
            raise MissingClip(str(error)) from None

    def fetch(self, request: ClipRequest, ticket: str) -> Clip:
        """Wait for a job and bring its clip home, outside of any ledger. Raises MissingClip or FrameholdError."""
        order, stop = self.order(request), threading.Event()
        folder = TemporaryDirectory(prefix="framehold-")
        self._folders.append(folder)  # the clip lives until this backend is closed
        download = Download(Path(folder.name) / "clip.part", stop)
        try:
            while (look := patiently(lambda: self.look(order, ticket), self.limits, stop)).state == "running":
                pause(self.limits.poll_seconds, stop)
            if look.state != "done":
                raise MissingClip(f"{look.state} at {self.name}: {look.code} {look.reason}".strip())
            patiently(lambda: self.save(order, look, download), self.limits, stop)
        except HostedError as error:
            raise MissingClip(str(error)) from None
        return checked_clip(download.part, order.seconds)[0]

    def close(self) -> None:
        """Let go of connections, and of the clips that `fetch` brought."""
        for client in self._clients.values():
            if hasattr(client, "close"):
                client.close()
        for folder in self._folders:
            folder.cleanup()
        self._clients.clear()
        self._folders.clear()

    # ---- orders

    def order(self, request: ClipRequest) -> Order:
        """What is sent for that request, and at what price."""
        model, prompt, seed = self._own(request.key.model), request.prompt.text, request.key.seed
        row = self.row(model)
        seconds = self.settings.seconds or row.seconds
        arguments = self.arguments(model, prompt, seed, seconds)
        identity = fingerprint([self.name, self.base_url, model, arguments])
        usd, said = self._price(request.key.model, arguments, seconds)
        is_long = row.longest_prompt is not None and utf16_units(prompt) > row.longest_prompt
        return Order(
            request=ClipRequest(request.key, request.prompt, identity=identity),
            fingerprint=identity,
            model=model,
            arguments=arguments,
            seconds=float(seconds),
            seeded=row.seeded,
            price_usd=usd,
            price_source=said,
            dropped={"seed": seed} if row.seeded == "no" else {},
            unsendable=TOO_LONG if is_long else None,
        )

    def _price(self, name: str, arguments: Json, seconds: int) -> tuple[float | None, str]:
        """(dollars, who says so) by the table, else by the user."""
        if price := find_price(name, arguments):
            return price.usd(seconds), price.said
        told = self.settings.usd_per_clip
        return told, "as told with --price" if told is not None else "the price is not known"

    def _own(self, name: str) -> str:
        return name.removeprefix(f"{self.name}/")

    # ---- the SDK

    def client(self, model: str) -> Any:
        """The SDK's client for that model, opened once. Raises FrameholdError without SDK or key."""
        with self._opening:
            route = self.route(model)
            if route not in self._clients:
                self._clients[route] = self.connect(route)
            return self._clients[route]

    def check_ready(self, name: str) -> None:
        """Raises FrameholdError when the SDK or the key for the model of that full name is missing. Sends nothing."""
        self.client(self._own(name))

    @property
    def base_url(self) -> str | None:
        """Where the service is, if not at its usual address: by option, else by the SDK's own variable."""
        return self.settings.base_url or os.environ.get(self.base_url_name) or None

    @property
    def key_list(self) -> str:
        """The key's names, for errors."""
        return " or ".join(self.key_names)

    @cached_property
    def sdk(self) -> Any:
        """The provider's SDK. Raises FrameholdError with the line that installs it."""
        try:
            import_module("tenacity")
            return import_module(self.module)
        except ImportError as error:
            raise FrameholdError(
                f'the {self.name} backend needs {self.distribution}: pip install "framehold[hosted]"'
            ) from error

    def sdk_version(self) -> str:
        """Which SDK spoke, for the row."""
        return f"{self.distribution} {version(self.distribution)}"


def _quotes(name: str, orders: list[Order]) -> list[Quote]:
    """One line a model: all its clips are asked for with the same settings."""
    sent = [order for order in orders if not order.unsendable]
    if not sent:
        return []
    return [Quote(name, len(sent), sum(order.seconds for order in sent), sent[0].price_usd, sent[0].price_source)]


def _notes(name: str, orders: list[Order]) -> list[str]:
    long = list(dict.fromkeys(order.request.prompt.id for order in orders if order.unsendable))
    notes = [f"{name}: too long to be sent, so refused and not paid for: {', '.join(long)}"] if long else []
    if any(order.seeded == "no" for order in orders):
        notes.append(f"{name}: takes no seed: its clips are samples, to be paired by prompt in comparisons")
    return notes
