"""generate: what a backend refuses, breaks or asks money for, and what is never asked of it twice."""

from __future__ import annotations

import errno
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from bench.records import ClipRow, FrameholdError, Prompt, Source, Spec, Suite
from bench.run_folder import RunFolder, append_row, read_rows
from bench.stages import Crew
from bench.stages.generate import generate
from bench.video import content_hash, read_frames, write_lossless
from tests.stages.small_backend import NAME
from tests.video_factory import pattern, write_clip

PROMPTS = tuple(Prompt(name, f"A {name} thing") for name in ("red", "green", "blue"))


def begun(root: Path, *sources: Source, prompts: tuple[Prompt, ...] = PROMPTS) -> RunFolder:
    run = RunFolder(root)
    run.begin(Spec(Suite("small", 1, prompts, sha256="0" * 64), sources or (small(),)))
    return run


def small(**options: Any) -> Source:
    return Source(NAME, {"frames": 2, "names": ["small/pan"], **options})


def by_prompt(rows: list[ClipRow]) -> dict[str, ClipRow]:
    return {row.prompt_id: row for row in rows}


def asked(log: Path) -> Counter[str]:
    """How often each thing was asked of the backend, as `submit red`."""
    lines = (line.split() for line in log.read_text().splitlines())
    return Counter(f"{what} {clip_id.split('_')[1]}" for what, clip_id in lines)


def test_rows_come_in_the_order_of_the_request_with_what_reproduces_them(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    rows = generate(run, Crew())
    assert [row.prompt_id for row in rows] == ["red", "green", "blue"]
    assert run.clips() == rows
    for row in rows:
        assert row.missing is None
        assert row.file is not None
        path = run.root / row.file
        assert row.sha256 == content_hash(path)
        assert len(list(read_frames(path))) == 2
        assert (row.backend, row.model, row.seed) == (NAME, "small/pan", 0)


def test_what_is_refused_or_breaks_is_missing_with_its_reason_and_the_rest_is_made(tmp_path: Path) -> None:
    rows = by_prompt(generate(begun(tmp_path / "run", small(orders={"red": "refuse", "blue": "break"})), Crew()))
    assert rows["red"].missing == "refused: this prompt is not allowed"
    assert rows["blue"].missing == "ZeroDivisionError: the backend is broken"
    assert rows["red"].file is rows["blue"].file is None
    assert rows["green"].missing is None


def test_a_missing_clip_is_tried_again_and_no_other(tmp_path: Path) -> None:
    run, log = begun(tmp_path / "run", small(orders={"red": "once"}, log=str(tmp_path / "log"))), tmp_path / "log"
    assert by_prompt(generate(run, Crew()))["red"].missing == "the provider is overloaded"
    assert by_prompt(generate(run, Crew()))["red"].missing is None
    assert asked(log) == {
        "submit red": 2, "submit green": 1, "submit blue": 1, "fetch red": 2, "fetch green": 1, "fetch blue": 1,
    }  # fmt: skip


def test_what_was_submitted_is_fetched_again_and_not_submitted_twice(tmp_path: Path) -> None:
    log = tmp_path / "log"
    run = begun(tmp_path / "run", small(orders={"red": "once"}, log=str(log), price_usd=0.5))
    assert by_prompt(generate(run, Crew(), 1.5))["red"].missing == "the provider is overloaded"
    assert len(list(run.tickets_folder.iterdir())) == 1
    row = by_prompt(generate(run, Crew(), 1.5))["red"]
    assert row.missing is None
    assert row.facts == {"ticket": f"ticket of {row.clip_id}"}
    assert (asked(log)["submit red"], asked(log)["fetch red"]) == (1, 2)
    assert not list(run.tickets_folder.iterdir())


def test_nothing_is_asked_for_that_may_not_be_paid(tmp_path: Path) -> None:
    log = tmp_path / "log"
    run = begun(tmp_path / "run", small(log=str(log), price_usd=0.5))
    with pytest.raises(FrameholdError, match=r"this would cost 1\.50 USD and 1\.00 may be spent.*--max-cost"):
        generate(run, Crew(), 1.0)
    assert not log.exists()
    assert not run.clips_path.exists()


def test_two_sources_cannot_claim_one_clip(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", small(), small(frames=3))
    with pytest.raises(FrameholdError, match="two sources claim model 'small/pan', prompt 'red', seed 0"):
        generate(run, Crew())


def test_no_prompts_nothing_to_do(tmp_path: Path) -> None:
    with pytest.raises(FrameholdError, match="nothing to do"):
        generate(begun(tmp_path / "run", prompts=()), Crew())


def test_a_full_disk_ends_the_stage_and_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = begun(tmp_path / "run")

    def full(path: Path, *rest: Any) -> int:
        if "green" in path.name:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return write_lossless(path, *rest)

    monkeypatch.setattr("bench.stages.generate.write_lossless", full)
    with pytest.raises(FrameholdError, match=r"green.*: No space left on device: nothing done so far is lost"):
        generate(run, Crew())
    assert [row.prompt_id for row in run.clips()] == ["red"]
    monkeypatch.undo()
    made = (run.root / str(run.clips()[0].file)).stat().st_mtime_ns
    rows = generate(run, Crew())
    assert [row.missing for row in rows] == [None] * 3
    assert (run.root / str(rows[0].file)).stat().st_mtime_ns == made


def test_a_torn_last_line_is_made_again(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    rows = generate(run, Crew())
    content = run.clips_path.read_bytes()
    run.clips_path.write_bytes(content[:-20])
    assert generate(run, Crew()) == rows
    assert run.clips_path.read_bytes() == content


def test_rows_of_an_edited_request_are_not_kept(tmp_path: Path) -> None:
    first = by_prompt(generate(begun(tmp_path / "run"), Crew()))
    run = RunFolder(tmp_path / "run")
    old = read_rows(run.clips_path)[0] | {"fingerprint": "of another request", "facts": {"old": True}}
    append_row(run.clips_path, old)
    assert by_prompt(generate(run, Crew())) == first


def test_a_folder_of_pictures_is_copied_with_its_rate(tmp_path: Path) -> None:
    write_clip(tmp_path / "pngs", pattern(3))
    (tmp_path / "clips.csv").write_text("file,model,fps\npngs,m,12\n")
    run = begun(tmp_path / "run", Source("folder", {"path": str(tmp_path)}), prompts=())
    (row,) = generate(run, Crew())
    assert (row.fps, row.preview, row.facts["source"]) == (12.0, None, "pngs")
    copied = {path.name: path.read_bytes() for path in (run.root / str(row.file)).iterdir()}
    assert copied == {path.name: path.read_bytes() for path in (tmp_path / "pngs").iterdir()}


def test_a_file_that_may_not_be_read_is_one_missing_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    write_clip(clips / "mjpeg.avi", pattern(2))
    write_clip(clips / "theirs.gif", pattern(2))
    allowed = Path.open

    def refuse(self: Path, *arguments: Any, **options: Any) -> Any:
        if self.name == "theirs.gif":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))
        return allowed(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", refuse)
    run = begun(tmp_path / "run", Source("folder", {"path": str(clips), "model": "m"}), prompts=())
    rows = by_prompt(generate(run, Crew()))
    assert rows["mjpeg"].missing is None
    assert "theirs.gif: " in str(rows["theirs"].missing)
    assert "Permission denied" in str(rows["theirs"].missing)
