"""bench.run_folder: what a kill, a full disk or a hostile row can do to a run, which is nothing."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import filelock
import pyarrow as pa
import pytest

from bench.records import ClipKey, ClipRow, FrameholdError, Prompt, ScoredRow
from bench.run_folder import (
    RunFolder,
    append_row,
    mend,
    read_records,
    read_rows,
    replace_rows,
    replace_table,
    replace_text,
    unknown_key,
)
from bench.schemas import SCHEMAS
from tests.factory import PROMPTS, procedural_spec

ROOT = Path(__file__).parents[1]
ROWS = [{"a": 1}, {"a": 2, "text": "ümlaut, \u2028, \n and \0"}, {"a": 3}]
HOSTILE = (
    "../../etc/passwd",
    "/etc/passwd",
    "a\\..\\b",
    "C:\\x",
    "a\0b",
    ".",
    "..",
    "",
    "\u202e",
    "é",
    "a" * 999,
    "<b>",
)


def clip_row(key: ClipKey, **fields: Any) -> ClipRow:
    plain: dict[str, Any] = {"prompt": "", "category": "c", "moves": "subject", "backend": "b", "fingerprint": "f"}
    return ClipRow(**{**asdict(key), "clip_id": key.clip_id, **plain, **fields})


def begun(root: Path, *rows: ClipRow) -> RunFolder:
    """A run with those clips."""
    run = RunFolder(root)
    run.begin(procedural_spec())
    replace_rows(run.clips_path, map(asdict, rows))
    return run


# ---- rows --------------------------------------------------------------------------------------------------------


def test_rows_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    assert read_rows(path) == []
    for row in ROWS:
        append_row(path, row)
    assert read_rows(path) == ROWS
    appended = path.read_bytes()
    replace_rows(path, ROWS)
    assert path.read_bytes() == appended
    assert path.stat().st_mode & 0o777 == 0o644


def test_wherever_a_kill_cuts_the_last_line_the_others_stay(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    replace_rows(path, ROWS)
    content = path.read_bytes()
    for length in range(len(content) + 1):
        path.write_bytes(content[:length])
        whole = ROWS[: content[:length].count(b"\n")]
        assert read_rows(path) == whole
        mend(path)
        append_row(path, {"next": length})
        assert read_rows(path) == [*whole, {"next": length}]


def test_mending_needs_no_file(tmp_path: Path) -> None:
    mend(tmp_path / "rows.jsonl")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("line", [b"{", b"", b"\xff", b"nonsense"])
def test_a_damaged_line_is_named(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"a":1}\n' + line + b'\n{"a":3}\n')
    with pytest.raises(FrameholdError, match=r"rows\.jsonl, line 2 is damaged: delete that line and run again"):
        read_rows(path)


@pytest.mark.parametrize("row", [{"colour": "red"}, [1, 2], {"clip_id": "a"}])
def test_rows_of_another_kind_are_told(tmp_path: Path, row: object) -> None:
    path = tmp_path / "rows.jsonl"
    replace_rows(path, [row])
    with pytest.raises(FrameholdError, match=r"rows\.jsonl: .*; written by another version\?"):
        read_records(path, ScoredRow)


def test_the_last_row_of_a_clip_counts(tmp_path: Path) -> None:
    first, second = (clip_row(ClipKey("m", name, 0)) for name in ("a", "b"))
    again = replace(first, missing="refused")
    assert begun(tmp_path / "run", first, second, again).clips() == [again, second]


# ---- atomic ------------------------------------------------------------------------------------------------------

TABLE = pa.table({"clip_id": ["a", "b"], "value": [0.5, float("nan")]})


def full_disk(_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def stopped(_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("fault", [full_disk, stopped])
@pytest.mark.parametrize(
    "write",
    [
        lambda path: replace_text(path, "new"),
        lambda path: replace_rows(path, ROWS),
        lambda path: replace_table(path, TABLE),
    ],
)
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, write: Callable[[Path], None], fault: Callable[[object], None]
) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, "fsync", fault)
    with pytest.raises((OSError, KeyboardInterrupt)) as caught:
        write(path)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    if isinstance(caught.value, OSError):
        assert caught.value.filename == str(path)  # and not the temporary one


def test_a_row_that_finds_the_disk_full_names_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left") as caught:
        append_row(tmp_path / "clips.jsonl", {})
    assert caught.value.filename == str(tmp_path / "clips.jsonl")


def test_rows_that_json_cannot_hold_leave_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    replace_rows(path, ROWS)
    with pytest.raises(ValueError, match="Out of range float"):
        replace_rows(path, [{"a": float("nan")}])
    assert read_rows(path) == ROWS


@pytest.mark.skipif(os.name != "posix", reason="sends SIGKILL")
def test_a_kill_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    code = """
import os, pathlib, signal, sys
from bench.run_folder import replace
def half(new):
    new.write_text("ne")
    os.kill(os.getpid(), signal.SIGKILL)
replace(pathlib.Path(sys.argv[1]), half)
"""
    with python(code, path) as process:
        assert process.wait() == -9
    assert path.read_text() == "old"


def test_equal_tables_are_equal_bytes(tmp_path: Path) -> None:
    replace_table(tmp_path / "one", TABLE)
    replace_table(tmp_path / "two", pa.table(TABLE.to_pydict()))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def python(code: str, *arguments: Path) -> subprocess.Popen[str]:
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    return subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    )


# ---- one at a time -----------------------------------------------------------------------------------------------

HOLDER = """
import sys
from bench.run_folder import RunFolder
with RunFolder(sys.argv[1]).locked():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_only_one_works_in_a_run(tmp_path: Path) -> None:
    one, other = RunFolder(tmp_path), RunFolder(tmp_path)
    with one.locked(), pytest.raises(FrameholdError, match=r"another framehold is at work in .*: wait for it"):
        other.locked().__enter__()
    with other.locked():
        pass


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    code = HOLDER.replace("sys.stdin.read()", "import time; time.sleep(600)")
    holder = python(code, tmp_path)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(FrameholdError, match="another framehold"):
            RunFolder(tmp_path).locked().__enter__()
    finally:
        holder.kill()
        holder.communicate()
    with RunFolder(tmp_path).locked():
        assert holder.returncode


def test_no_lock_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FrameholdError, match=r"cannot write to .*; choose another folder with --out"):
        RunFolder(tmp_path / "file").locked().__enter__()


# ---- the request -------------------------------------------------------------------------------------------------


def test_the_request_is_read_as_written(tmp_path: Path) -> None:
    spec = procedural_spec(horizon=9, versions={"av": "18"})
    run = RunFolder(tmp_path / "a" / "run")
    run.begin(spec)
    assert json.dumps(asdict(run.spec())) == json.dumps(asdict(spec))
    run.begin(spec)  # once more is the same run


@pytest.mark.parametrize(
    ("fields", "options"),
    [
        ({"models": ("procedural/steady",)}, "--backend, --clips or --model"),
        ({"prompts": PROMPTS[:1]}, "suite"),
        ({"profile": "standard"}, "--profile"),
        ({"clip_model": "ViT-B-32/openai"}, "--clip"),
        ({"missing": "broken"}, "--missing"),
        ({"prompts": PROMPTS[:1], "profile": "standard"}, "suite and another --profile"),
        ({"prompts": (*PROMPTS, Prompt("cat", "A cat"))}, "suite"),
    ],
)
def test_another_request_is_refused_in_one_line(tmp_path: Path, fields: dict[str, Any], options: str) -> None:
    run = begun(tmp_path / "run", clip_row(ClipKey("m", "p", 0)))
    before = run.spec_path.read_bytes()
    with pytest.raises(FrameholdError) as caught:
        run.begin(procedural_spec(**fields))
    assert str(caught.value) == (
        f"{run.root} holds a run with another {options}: choose another folder with --out, or delete it"
    )
    assert run.spec_path.read_bytes() == before


def test_what_changes_only_tables_made_anew_goes_on(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", clip_row(ClipKey("m", "p", 0)))
    run.begin(procedural_spec(horizon=5, calibration="mine.json", versions={"av": "99"}))
    assert (run.spec().horizon, run.spec().calibration, run.spec().versions) == (5, "mine.json", {"av": "99"})


def test_a_request_from_before_missing_clips_were_declared_leaves_them_out(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", clip_row(ClipKey("m", "p", 0)))
    content = json.loads(run.spec_path.read_text())
    del content["missing"]
    run.spec_path.write_text(json.dumps(content))
    assert run.spec().missing == "left-out"
    run.begin(procedural_spec())  # and it goes on


def test_a_request_that_made_no_clip_yet_may_change(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.begin(procedural_spec())
    (run.root / "clips").mkdir()
    (run.root / ".spec.json.abc.tmp").touch()  # of a process killed at once
    run.begin(procedural_spec(prompts=PROMPTS[:1]))
    assert len(run.spec().suite.prompts) == 1


def test_what_a_killed_process_left_half_written_goes(tmp_path: Path) -> None:
    run = begun(tmp_path / "run", clip_row(ClipKey("m", "p", 0)))
    before = set(run.root.rglob("*"))
    for folder in (run.root, run.clips_folder, run.cache_folder, run.strips_folder, run.tickets_folder):
        folder.mkdir(exist_ok=True)
        (folder / ".scored.jsonl.abc.tmp").touch()
        (folder / ".kept").touch()
    (run.clips_folder / ".pngs.tmp").mkdir()
    (run.clips_folder / ".pngs.tmp" / "0.png").touch()
    run.begin(procedural_spec())
    left = set(run.root.rglob("*")) - before
    assert {path.name for path in left} == {".kept", "clips", "cache", "strips", "tickets"}


def test_whoever_is_at_work_keeps_the_request(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    before = run.spec_path.read_bytes()
    with run.locked(), pytest.raises(FrameholdError, match="another framehold is at work"):
        RunFolder(run.root).begin(procedural_spec(horizon=3))
    assert run.spec_path.read_bytes() == before


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(FrameholdError, match=r"is not empty and holds no spec\.json: choose another folder with --out"):
        RunFolder(tmp_path).begin(procedural_spec())
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("place", ["file", "file/run"])
def test_no_run_in_a_file(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FrameholdError, match=r"cannot write to .*; choose another folder with --out"):
        RunFolder(tmp_path / place).begin(procedural_spec())


def test_no_run_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "x")

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(
        FrameholdError, match=r"cannot write to .*: Permission denied; choose another folder with --out"
    ):
        RunFolder(tmp_path / "run").begin(procedural_spec())


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda spec: spec | {"colour": "red"}, "unknown key 'colour'"),
        (lambda spec: spec | {"suite": spec["suite"] | {"colour": 1}}, r"unknown key 'suite\.colour'"),
        (lambda spec: spec | {"horizon": "long"}, "horizon: "),
        (lambda spec: spec | {"missing": "forgotten"}, "missing: "),
        (lambda spec: {key: value for key, value in spec.items() if key != "suite"}, "suite: "),
        (lambda spec: [spec], "should be an object"),
    ],
)
def test_a_request_of_another_version_is_told(tmp_path: Path, damage: Callable[[Any], Any], told: str) -> None:
    run = begun(tmp_path / "run")
    run.spec_path.write_text(json.dumps(damage(json.loads(run.spec_path.read_text()))))
    with pytest.raises(FrameholdError, match=rf"spec\.json: .*{told}.*; written by another version\?"):
        run.spec()


@pytest.mark.parametrize("content", [b"", b'{"suite"', b"\xff\xfe"])
def test_a_damaged_request_is_told(tmp_path: Path, content: bytes) -> None:
    run = begun(tmp_path / "run")
    run.spec_path.write_bytes(content)
    with pytest.raises(FrameholdError, match=r"spec\.json"):
        run.spec()


def test_no_run_no_request(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("nothing", "file", ""):
        with pytest.raises(FrameholdError, match=r"is not a run folder: it has no spec\.json"):
            RunFolder(tmp_path / name).spec()


def test_unknown_keys_are_found_in_lists() -> None:
    assert unknown_key({"a": [{"b": 1}, {"c": 1}]}, {"a": ({"b": 1}, {"b": 1})}) == "a.c"
    assert unknown_key({"a": [{"b": 1}]}, {"a": [{"b": 2}]}) is None


# ---- tables ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "stage"),
    [("curves_path", "score"), ("metrics_path", "score"), ("holds_path", "summarize"), ("evidence_path", "summarize")],
)
def test_a_table_that_is_absent_or_damaged_names_the_stage_that_writes_it(
    tmp_path: Path, name: str, stage: str
) -> None:
    run = begun(tmp_path / "run")
    path = getattr(run, name)
    with pytest.raises(FrameholdError, match=rf"is not there: run `framehold {stage} .*` first"):
        run.table(path)
    replace_table(path, TABLE)
    with pytest.raises(FrameholdError, match=rf"other columns than this version writes: run `framehold {stage} .*` ag"):
        run.table(path)
    row = dict.fromkeys(SCHEMAS[path.name].names) | {"clip_id": "m_p_0", "value": 0.5, "valid": True}
    table = pa.Table.from_pylist([row] * 200, schema=SCHEMAS[path.name])
    replace_table(path, table)
    assert run.table(path).equals(table)
    whole = path.read_bytes()
    told = rf"{path.name} is damaged: run `framehold {stage} .*` again"
    for damage in (
        b"",
        whole[:-9],
        whole[: len(whole) // 2],
        whole[:4] + b"\0" * 40 + whole[44:],
        b"PAR1" + whole[:20],
    ):
        path.write_bytes(damage)
        with pytest.raises(FrameholdError, match=told):
            run.table(path)


def test_wherever_a_byte_of_a_table_is_turned_it_is_read_or_named(tmp_path: Path) -> None:
    """Arrow has several ways to say that a file is damaged; none may reach the user as a fault of framehold."""
    run = begun(tmp_path / "run")
    rows = [{"clip_id": f"m_p_{number}", "metric": "warping_error", "value": number / 7} for number in range(40)]
    replace_table(run.metrics_path, pa.Table.from_pylist(rows, schema=SCHEMAS["metrics.parquet"]))
    whole, refused = run.metrics_path.read_bytes(), []
    for position in range(0, len(whole), 7):
        run.metrics_path.write_bytes(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
        try:
            run.table(run.metrics_path).to_pylist()
        except FrameholdError as error:
            refused.append(str(error))
    assert len(refused) > len(whole) / 14
    assert all(told.startswith(f"{run.metrics_path} ") for told in refused)


def test_a_summary_that_is_absent_or_damaged_names_its_stage(tmp_path: Path) -> None:
    run = begun(tmp_path / "run")
    with pytest.raises(FrameholdError, match=r"summary\.json is not there: run `framehold summarize .*` first"):
        run.summary()
    for text in ("{", "{}", "[]", '{"models": {}}'):
        replace_text(run.summary_path, text)
        with pytest.raises(FrameholdError, match=r"summary\.json is damaged: run `framehold summarize .*` again"):
            run.summary()


# ---- names -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["run", "a run+(1)", "r"])
def test_a_reason_does_not_say_where_its_run_lies(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).mkdir()
    (tmp_path / "link").symlink_to(tmp_path / name)
    for root in (tmp_path / name, Path(name), tmp_path / "link", Path("link")):
        run = RunFolder(root)
        for place in (run.root, run.root.absolute(), run.root.resolve()):
            assert run.without_place(f"{place}/clips/m.mp4: in '{place}/x'") == "clips/m.mp4: in 'x'"
    assert (
        RunFolder(name).without_place(f"other/{name}/clips/m.mp4, 2{name}/x") == f"other/{name}/clips/m.mp4, 2{name}/x"
    )
    assert RunFolder(".").without_place("clips/m.mp4: cut. ./x") == "clips/m.mp4: cut. ./x"


def test_no_name_of_a_model_or_prompt_leads_out_of_the_folder(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    keys = [ClipKey(model, prompt_id, 7) for model in HOSTILE for prompt_id in HOSTILE]
    paths = {run.part_path(key.clip_id, "0" * 64) for key in keys}
    assert len(paths) == len(keys)  # and no two share a file
    assert {path.parent for path in paths} == {run.cache_folder}
    assert all(path.resolve().is_relative_to(tmp_path.resolve()) for path in paths)
    assert all(path.name.isascii() and len(path.name) < 128 for path in paths)


@pytest.mark.parametrize("field", ["model", "prompt", "file"])
def test_a_row_with_half_a_character_is_refused(tmp_path: Path, field: str) -> None:
    run = begun(tmp_path / "run", clip_row(ClipKey("m", "p", 0)))
    (row,) = read_rows(run.clips_path)
    run.clips_path.write_text(json.dumps(row | {field: "x\ud800"}) + "\n")
    with pytest.raises(FrameholdError, match=r"clips\.jsonl: m_p_0_\w+: text that is no Unicode: delete that line"):
        run.clips()


@pytest.mark.parametrize("clip_id", [name for name in HOSTILE if "aa" not in name] + ["a/../../b", "A"])
def test_a_row_whose_id_could_name_another_file_is_refused(tmp_path: Path, clip_id: str) -> None:
    run = begun(tmp_path / "run", clip_row(ClipKey("m", "p", 0), clip_id=clip_id))
    with pytest.raises(FrameholdError, match=r"clips\.jsonl: .* is no id of a clip: delete that line"):
        run.clips()
