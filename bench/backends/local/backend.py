"""What local backends share: requests from prompts, one model in memory at a time, clips that can be made again.

A backend adds its table and `make`: a pipeline in, pictures out.
"""

from __future__ import annotations

import os
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from bench.backends.local import recording
from bench.backends.local.adapter import Pictures
from bench.backends.local.estimate import Estimate, cpu_advice, estimate
from bench.backends.local.fetching import Found, Wanted, check_repo_name, components, fetch, look
from bench.backends.local.libraries import LOG, diffusers_module
from bench.backends.local.loading import load_pipeline, wanted_files
from bench.backends.local.placing import offload_more, out_of_memory, pick_device, place, release
from bench.backends.local.random_weights import build_random
from bench.backends.local.settings import OFFLOADS, LocalSettings, Offload, read_settings
from bench.backends.local.table import LocalModel
from bench.networks import WeightsAbsent
from bench.records import Clip, ClipKey, ClipRequest, FrameholdError, MissingClip, Plan, Suite, fingerprint

OFFLINE = "FRAMEHOLD_OFFLINE"
RANDOM = "random"


@dataclass
class Held:
    """A pipeline in memory, and how it is held."""

    key: str
    pipe: Any
    device: str
    offload: Offload
    facts: dict[str, Any] = field(default_factory=dict)


_held: list[Held] = []  # at most one a process: two models rarely fit


class LocalBackend(ABC):
    """A table of open models. Built without torch or diffusers: those wait until a clip is to be made."""

    name: ClassVar[str]
    table: ClassVar[Mapping[str, LocalModel]]
    default: ClassVar[str | None] = None
    """The model asked for when none is named."""
    settings_type: ClassVar[type[LocalSettings]] = LocalSettings
    takes_any_repo: ClassVar[bool] = False

    def __init__(self, **options: Any) -> None:
        self.settings = read_settings(self.settings_type, self.name, options)
        self._found: dict[str, dict[str, Found]] = {}
        self._ready: set[str] = set()

    @abstractmethod
    def make(self, pipe: Any, row: LocalModel, request: ClipRequest, dropped: dict[str, Any]) -> Pictures:
        """The frames of a clip. What the pipeline does not take of the row goes into `dropped`."""

    # ---- models

    def models(self) -> tuple[str, ...]:
        """The models of the table, as `backend/model`."""
        return tuple(f"{self.name}/{model}" for model in self.table)

    def default_models(self) -> tuple[str, ...]:
        """What is asked for when no model is named. Raises FrameholdError where one has to be."""
        if self.default is None:
            raise FrameholdError(
                f"--backend {self.name}: which model? Name one: --backend {self.name}/{next(iter(self.table))}, or any "
                f"of {', '.join(self.table)}, or {self.name}:OWNER/REPO"
            )
        return (f"{self.name}/{self.default}",)

    def check_model(self, model: str) -> None:
        """Raises FrameholdError for a model that cannot be had, naming those that can."""
        if model in self.table:
            return
        if not self.takes_any_repo or "/" not in model:
            more = f", and {self.name}:OWNER/REPO" if self.takes_any_repo else ""
            raise FrameholdError(f"--backend {self.name}/{model}: {self.name} has {', '.join(self.table)}{more}")
        check_repo_name(model)

    def row(self, name: str) -> LocalModel:
        """What a clip of that model takes, the settings over the table, frames as they are asked for."""
        own = name.removeprefix(f"{self.name}/")
        self.check_model(own)
        return self.settings.over(self.table.get(own) or LocalModel(own, "see its page"))

    # ---- the five words

    def plan(self, suite: Suite, models: tuple[str, ...]) -> Plan:
        """A request for every model x prompt x seed, with what it takes of this machine. Loads and fetches nothing."""
        requests, estimates = [], []
        for name in models:
            row = self.row(name)
            frames = self._frames(name, row)
            mark = self._identity(name, row)
            made = [
                ClipRequest(ClipKey(name, prompt.id, seed), prompt, frames, row.fps, row.width, row.height, mark)
                for prompt in suite.prompts
                for seed in prompt.seeds
            ]
            requests += made
            estimates.append(self._estimate(name, replace(row, frames=frames), len(made)))
        return Plan(
            tuple(requests),
            loads=tuple(each.load for each in estimates),
            notes=tuple(n for e in estimates for n in e.notes),
        )

    def submit(self, request: ClipRequest) -> str:
        """Nothing to wait for: an empty ticket."""
        del request
        return ""

    def fetch(self, request: ClipRequest, ticket: str = "") -> Clip:
        """Make the clip. Raises MissingClip when the model cannot; after an exhausted memory once more, offloaded."""
        del ticket
        asked = self.row(request.key.model)
        row = replace(asked, frames=request.frames, fps=request.fps or asked.fps)
        held = self._hold(request.key.model, row)
        dropped: dict[str, Any] = {}
        started = time.perf_counter()
        recording.reset_peak(held.device)
        pictures = self._made(held, row, request, dropped)
        seconds = time.perf_counter() - started
        facts = {
            **recording.request_facts(row, asked.frames, pictures, request, self.settings, dropped),
            **held.facts,
            "offload": held.offload,
            "tiling": self.settings.tiling,
            "weights": self.settings.weights,
            "measured": {"seconds": round(seconds, 3), "peak_memory_gb": recording.peak_gb(held.device)},
            **self.more_facts(),
        }
        return Clip(frames=iter(pictures), fps=row.fps, facts=facts, seeded="exact")

    def close(self) -> None:
        """Give the memory of the model back."""
        drop_held()

    def more_facts(self) -> dict[str, Any]:
        """What else decides the clip."""
        return {}

    # ---- ready

    def check_ready(self, name: str, clips: int) -> None:
        """Bring everything here that the model needs, before anything is written.

        Raises FrameholdError: no package, no such device, no weights and no way to them, not enough memory.
        """
        if name in self._ready:
            return
        row = self.row(name)
        diffusers_module()
        if pick_device(self.settings.device) is None:
            raise FrameholdError(self._no_device(name, row, clips))
        if self.settings.weights == RANDOM:
            LOG.info("%s: random weights: its clips show noise and enter no leaderboard", name)
        else:
            self._find(name, row)
        self._ready.add(name)

    def _no_device(self, name: str, row: LocalModel, clips: int) -> str:
        if self.settings.device not in {"auto", "cuda"}:
            return f"{name}: --device {self.settings.device}: torch finds no such device here"
        return f"{name} wants a GPU and torch finds none here: {cpu_advice(row, clips)}"

    def _find(self, name: str, row: LocalModel) -> dict[str, Found]:
        """The files of a model, fetched where they are not here."""
        if name not in self._found:
            terms = f"{row.licence} ({row.restriction})" if row.restriction else row.licence
            offline = bool(os.environ.get(OFFLINE))
            self._found[name] = self._gather(row, lambda wanted: fetch(wanted, offline, terms))
        return self._found[name]

    def _gather(self, row: LocalModel, bring: Callable[[Wanted], Found]) -> dict[str, Found]:
        wanted = wanted_files(row, self.settings.parts, self.settings.allow_pickle)
        found = {"": bring(wanted.pop(""))}
        inside = components(found[""].folder)
        return found | {part: bring(files) for part, files in wanted.items() if part not in inside}

    def _here(self, name: str, row: LocalModel) -> dict[str, Found] | None:
        """The files of a model if all are on this machine."""
        if name in self._found:
            return self._found[name]
        try:
            return self._gather(row, _must_be_here)
        except WeightsAbsent:
            return None

    def _identity(self, name: str, row: LocalModel) -> str:
        """What decides a clip beside the request: the commits, and every value of the row that is sent."""
        sent = [row.steps, row.guidance, row.dtype, dict(row.dtypes), row.pipeline, dict(row.arguments)]
        if self.settings.weights == RANDOM:
            return f"{RANDOM} weights, {row.architecture} {self.settings.size}, {fingerprint(sent)[:16]}"
        found = self._here(name, row)
        commits = [each.commit for each in found.values()] if found else [row.revision]
        return f"{row.repo}@{'+'.join(commits)}, {fingerprint(sent)[:16]}"

    def _frames(self, name: str, row: LocalModel) -> int | None:
        if row.frames is None:
            return None
        if row.rule.most and row.frames > row.rule.most:
            raise FrameholdError(f"{name} makes at most {row.rule.most} frames a clip: ask for fewer than {row.frames}")
        return row.rule.snap(row.frames)

    def _estimate(self, name: str, row: LocalModel, clips: int) -> Estimate:
        random = self.settings.weights == RANDOM
        return estimate(name, row, clips, self.settings.device, here=random or self._here(name, row) is not None)

    # ---- making

    def _hold(self, name: str, row: LocalModel) -> Held:
        """The model in memory: kept across prompts, the one before it given up first."""
        key = fingerprint([self.name, name, self.settings.model_dump()])
        if _held and _held[0].key == key:
            return _held[0]
        drop_held()
        device = pick_device(self.settings.device, claim=True)
        if device is None:
            raise FrameholdError(self._no_device(name, row, 1))
        if self.settings.weights == RANDOM:
            pipe = build_random(row.architecture, self.settings.size, device, row.dtype, row.dtypes, name)
            source: dict[str, Any] = {"repo": row.repo, "commit": None}
        else:
            found = self._find(name, row)
            pipe = load_pipeline(row, found, self.settings.allow_pickle)
            source = {"repo": found[""].repo, "commit": found[""].commit}
            if parts := {part: f"{each.repo}@{each.commit}" for part, each in found.items() if part}:
                source["parts"] = parts
        pipe.set_progress_bar_config(disable=True)
        if self.settings.tiling and hasattr(getattr(pipe, "vae", None), "enable_tiling"):
            pipe.vae.enable_tiling()
        offload = place(pipe, device, row, self.settings.offload)
        _held.append(Held(key, pipe, device, offload, {**source, **recording.machine_facts(pipe, device)}))
        return _held[0]

    def _made(self, held: Held, row: LocalModel, request: ClipRequest, dropped: dict[str, Any]) -> Pictures:
        while True:
            try:
                return self.make(held.pipe, row, request, dropped)
            except out_of_memory() as error:
                reason = str(error).splitlines()[0]
            release(held.device)
            further = OFFLOADS[OFFLOADS.index(held.offload) + 1 :]
            if held.device == "cpu" or not further or dropped.get("retried"):
                raise MissingClip(
                    f"out of memory with offload {held.offload}: {reason}; ask for less with --set "
                    "tiling=true, frames=, height= or width="
                )
            LOG.info("%s: out of memory: once more with offload %s", request.key.clip_id, further[0])
            offload_more(held.pipe, held.device, further[0])
            held.offload = further[0]
            dropped["retried"] = True


def _must_be_here(wanted: Wanted) -> Found:
    found = look(wanted)
    if found is None:
        raise WeightsAbsent(wanted.repo)
    return found


def drop_held() -> None:
    """Give up the model in memory, if there is one."""
    while _held:
        held = _held.pop()
        held.pipe.remove_all_hooks()
        device = held.device
        del held
        release(device)


def generator_seed(request: ClipRequest, *more: int) -> int:
    """The seed of a clip's generator: by prompt and seed, the same for every model, so that clips can be paired."""
    return int(fingerprint([request.prompt.text, request.key.seed, *more])[:15], 16)


def fresh_generator(request: ClipRequest, *more: int) -> Any:
    """A generator on the CPU that has never been used: one that has gives another clip."""
    import torch

    return torch.Generator("cpu").manual_seed(generator_seed(request, *more))
