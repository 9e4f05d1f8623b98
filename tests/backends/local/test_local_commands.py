"""Local models from the command line: what a stranger reads, and a whole run of a tiny pipeline on disk."""

from __future__ import annotations

import errno
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bench import cli
from bench.backends.local.backend import drop_held
from bench.backends.local.diffusers_video import DiffusersBackend
from bench.records import ClipRow, FrameholdError, Source, Spec
from bench.run_folder import RunFolder, read_rows, replace_rows
from bench.stages import Crew
from bench.stages.admit import RULES, Submission
from bench.stages.generate import generate
from bench.stages.plan import _opened
from bench.video import content_hash, write_lossless
from tests.backends.local.tiny import SUITE, Saved

Call = Callable[..., tuple[object, str, str]]
SMALL = ["--device", "cpu", "--set", "steps=2", "--set", "height=64", "--set", "width=64", "--set", "dtype=float32"]
TEXT = 'name = "two"\nversion = 1\n[[prompt]]\nid = "a"\ntext = "A dog runs"\n[[prompt]]\nid = "b"\ntext = "A cat"\n'


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Run a command in this process, in an empty folder: (exit code, standard output, last line of errors)."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "two.toml").write_text(TEXT)
    _opened.cache_clear()

    def run(*arguments: object) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["framehold", *map(str, arguments)])
        code: object = 0
        capsys.readouterr()
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        out, errors = capsys.readouterr()
        lines = [line for line in errors.splitlines() if line.startswith("framehold: ")]
        return code, out, lines[-1] if lines else ""

    return run


# ---- what cannot be ----------------------------------------------------------------------------------------------


def test_no_gpu_and_no_weights(call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    code, _, said = call("run", "two.toml", "--backend", "modelscope")
    assert code == 2
    assert said.startswith("framehold: diffusers/modelscope wants a GPU and torch finds none here: run on a machine")
    assert "or add --device cpu, which takes at least " in said
    code, _, said = call("run", "two.toml", "--backend", "modelscope", "--device", "cpu", "--offline")
    assert (code, said) == (
        2,
        "framehold: ali-vilab/text-to-video-ms-1.7b: its weights are not on this machine and --offline was asked for; "
        'get them where there is internet with: hf download ali-vilab/text-to-video-ms-1.7b --include "*.json" '
        '--include "*.txt" --include "*.model" --include "*.safetensors"',
    )
    assert not (tmp_path / "results").exists()


def test_a_package_that_is_not_there(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.backends.local import libraries

    libraries.diffusers_module.cache_clear()
    monkeypatch.setitem(sys.modules, "accelerate", None)
    code, _, said = call("run", "two.toml", "--backend", "modelscope", "--device", "cpu")
    libraries.diffusers_module.cache_clear()
    assert (code, said) == (2, 'framehold: local models need accelerate: pip install "framehold[diffusers]"')


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--backend", "diffusers"], "--backend diffusers: which model? Name one: --backend diffusers/modelscope"),
        (["--backend", "diffusers/foo"], "--backend diffusers/foo: diffusers has modelscope, zeroscope"),
        (["--backend", "modelscope", "--set", "stpes=1"], "diffusers: unknown option 'stpes': choose from repo"),
        (["--backend", "modelscope", "--set", "steps"], "--set 'steps': expected NAME=VALUE"),
        (["--backend", "modelscope", "--device", "tpu"], "diffusers: device='tpu': input should be 'auto', 'cpu'"),
        (["--backend", "procedural/pop", "--set", "steps=1"], "--set steps= is for local models (diffusers, "),
        (["--backend", "procedural/pop", "--allow-pickle"], "--allow-pickle is for local models"),
        (["--backend", "latte", "--set", "frames=17"], "diffusers/latte makes at most 16 frames a clip"),
        (
            ["--backend", "ltx-2", "--device", "cpu", "--weights", "random"],
            "diffusers/ltx-2: its configuration does not come with framehold",
        ),
    ],
)
def test_one_line_for_what_cannot_be(arguments: list[str], said: str, call: Call) -> None:
    code, _, line = call("run", "two.toml", *arguments)
    assert code == 2
    assert said in line


# ---- a run -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_whole_run_of_a_pipeline_on_disk(call: Call, saved: Saved, tmp_path: Path) -> None:
    model = ["--backend", "ltx-video", "--set", f"repo={saved('ltx-video')}", "--set", "frames=9", *SMALL]
    code, out, _ = call("run", "two.toml", *model, "--out", "run", "--workers", "1", "--json")
    assert code == 0
    assert list(json.loads(out)["models"]) == ["diffusers/ltx-video"]
    rows = RunFolder(tmp_path / "run").clips()
    assert [(row.missing, row.seeded, row.facts["actual"]["frames"]) for row in rows] == [(None, "exact", 9)] * 2
    assert rows[0].sha256 != rows[1].sha256
    for row in rows:
        assert row.sha256 == content_hash(tmp_path / "run" / str(row.file))
    # Again: nothing is made, and after a clip is lost only that one, the same.
    stamps = [(tmp_path / "run" / str(row.file)).stat().st_mtime_ns for row in rows]
    (tmp_path / "run" / str(rows[1].file)).unlink()
    assert call("generate", "run", "--workers", "1")[0] == 0
    again = RunFolder(tmp_path / "run").clips()
    assert [row.sha256 for row in again] == [row.sha256 for row in rows]
    assert (tmp_path / "run" / str(rows[0].file)).stat().st_mtime_ns == stamps[0]
    # And a plan knows how long it took.
    (tmp_path / "results").mkdir()
    (tmp_path / "run").rename(tmp_path / "results" / "run")
    code, out, _ = call("plan", "two.toml", *model, "--json")
    (load,) = json.loads(out)["loads"]
    assert (code, load["clips"], load["frames"]) == (0, 2, 9)
    assert load["source"] == "median of 2 clips in results, on cpu"
    assert load["seconds_a_clip"] > 0


@pytest.mark.slow
def test_clips_of_open_models_are_scored_while_the_next_is_made(
    call: Call, saved: Saved, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []

    @contextmanager
    def listening(run: RunFolder, offline: bool) -> Iterator[Callable[[ClipRow], None]]:
        yield lambda clip: told.append(clip.prompt_id)

    monkeypatch.setattr("bench.stages.run.scoring_ahead", listening)
    model = ["--backend", "ltx-video", "--set", f"repo={saved('ltx-video')}", "--set", "frames=9", *SMALL]
    assert call("run", "two.toml", *model, "--out", "run", "--workers", "2")[0] == 0
    assert told == [row.prompt_id for row in RunFolder(tmp_path / "run").clips()]
    told.clear()
    assert call("run", "two.toml", *model, "--out", "alone", "--workers", "1")[0] == 0
    assert told == []  # one worker was asked for


def test_a_plan_of_what_is_not_here_downloads_nothing(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi.model_info", lambda *_, **__: pytest.fail("the hub was asked"))
    monkeypatch.setattr("bench.backends.local.estimate._rate", lambda device, dtype: 1e13)
    code, out, _ = call("plan", "two.toml", "--backend", "modelscope", "--json")
    outlook = json.loads(out)
    (load,) = outlook["loads"]
    assert (code, load["memory_gb"], load["frames"]) == (0, 5.9, 16)
    assert load["seconds_a_clip"] == pytest.approx(49.9)  # 4.99e14 operations at 1e13 a second
    assert load["disk_gb"] == pytest.approx(2 * 16 * 256 * 256 * 3 / 1e9)
    assert "diffusers/modelscope: licence: CC-BY-NC-4.0, not for commercial use" in outlook["notes"]
    assert any("are not on this machine: the first run fetches them" in note for note in outlook["notes"])
    code, out, _ = call("plan", "two.toml", "--backend", "modelscope")
    assert "5.9 GB" in out
    assert "50 s" in out


# ---- the stage ---------------------------------------------------------------------------------------------------

RANDOM = Source(
    "diffusers",
    {"weights": "random", "size": "tiny", "device": "cpu", "height": 32, "width": 32, "steps": 2},
    ("diffusers/ltx-video",),
)


def begun(root: Path, source: Source = RANDOM) -> RunFolder:
    run = RunFolder(root)
    run.begin(Spec(SUITE, (source,)))
    return run


def plain(row: ClipRow) -> ClipRow:
    """Without the readings of the clock."""
    return replace(row, facts={name: value for name, value in row.facts.items() if name != "measured"})


@pytest.mark.slow
def test_clips_are_the_same_whatever_the_number_of_gpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = generate(begun(tmp_path / "one"), Crew(workers=4))
    monkeypatch.setattr("bench.stages.generate.gpu_count", lambda wanted: 2)
    two = generate(begun(tmp_path / "two"), Crew(workers=4))
    assert [plain(row) for row in two] == [plain(row) for row in one]
    assert len({row.sha256 for row in one}) == 3


def test_without_several_gpus_there_is_one_model_however_many_workers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    def watched(function: Any, jobs: Any, workers: int) -> Any:
        seen.append(workers)
        yield from ()

    monkeypatch.setattr("bench.stages.generate.open_executor", lambda name: watched)
    with pytest.raises(KeyError):  # nobody made the clips
        generate(begun(tmp_path / "run"), Crew(workers=16))
    assert seen == [16, 1]


def test_a_clip_is_encoded_while_the_next_one_is_generated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun_next, overlapped = threading.Event(), list[bool]()
    make = DiffusersBackend.make

    def told(self: Any, pipe: Any, row: Any, request: Any, dropped: Any) -> Any:
        if request.key.seed == 2:
            begun_next.set()
        return make(self, pipe, row, request, dropped)

    def waiting(path: Path, *rest: Any) -> int:
        if "dog_1" in path.name:
            overlapped.append(begun_next.wait(60))  # one after the other it would wait in vain
        return write_lossless(path, *rest)

    monkeypatch.setattr(DiffusersBackend, "make", told)
    monkeypatch.setattr("bench.stages.generate.write_lossless", waiting)
    rows = generate(begun(tmp_path / "run"), Crew())
    assert overlapped == [True]
    assert [row.missing for row in rows] == [None] * 3


def test_a_clip_that_fails_is_missing_and_the_others_are_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make = DiffusersBackend.make

    def once(self: Any, pipe: Any, row: Any, request: Any, dropped: Any) -> Any:
        if request.key.prompt_id == "cat":
            raise ZeroDivisionError("the model is broken")
        return make(self, pipe, row, request, dropped)

    monkeypatch.setattr(DiffusersBackend, "make", once)
    rows = generate(begun(tmp_path / "run"), Crew())
    assert [row.missing for row in rows] == [None, None, "ZeroDivisionError: the model is broken"]


def test_a_full_disk_ends_the_stage_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, *rest: Any) -> int:
        if "cat" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write_lossless(path, *rest)

    monkeypatch.setattr("bench.stages.generate.write_lossless", full)
    run = begun(tmp_path / "run")
    with pytest.raises(FrameholdError, match=r"cat.*: No space left on device: nothing done so far is lost"):
        generate(run, Crew())
    assert len(run.clips()) == 2
    monkeypatch.undo()
    drop_held()
    assert [row.missing for row in generate(run, Crew())] == [None] * 3


def test_random_weights_enter_no_leaderboard_also_when_only_the_rows_say_so(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    generate(run, Crew())
    assert no_random_weights(run) == "its weights are random"
    spec = json.loads(run.spec_path.read_text())
    spec["sources"][0]["options"] = {}
    run.spec_path.write_text(json.dumps(spec))
    assert no_random_weights(run) == "3 of 3 clips were made with random weights"
    rows = [{**row, "facts": {}} for row in read_rows(run.clips_path)]
    replace_rows(run.clips_path, rows)
    assert no_random_weights(run) is None


def no_random_weights(run: RunFolder) -> str | None:
    held: Any = SimpleNamespace(spec=run.spec(), of=lambda model: dict(enumerate(run.clips())))
    return RULES["no random weights"](Submission("it", held, "diffusers/ltx-video"), held)
