"""The command line: help for all, JSON alone on standard output, and one line for whatever cannot be done."""

from __future__ import annotations

import errno
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pytest
import typer
from typer.testing import CliRunner

import bench
from bench import cli, doctor
from bench.networks import EXAMPLE_CLIP, WeightsAbsent
from bench.records import FrameholdError
from bench.run_folder import RunFolder
from bench.signals import PROFILES
from bench.stages import run as stage
from tests.factory import pan
from tests.stages.small_backend import NAME
from tests.video_factory import noise, write_clip, write_video

ROOT = Path(__file__).parents[1]
PROGRESS = re.compile(r"\w+ .*\d+/\d+ \d+:\d\d:\d\d *")
HEAVY = ("av", "cv2", "jinja2", "open_clip", "pandas", "pyarrow", "scipy", "torch", "torchvision")


@dataclass(frozen=True)
class Ended:
    """What a command left: exit code, standard output, and the lines of standard error without progress bars."""

    code: object
    out: str
    errors: list[str]


Call = Callable[..., Ended]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    """Run a command in this process as the console script does."""

    def run(*arguments: object) -> Ended:
        monkeypatch.setattr(sys, "argv", ["framehold", *map(str, arguments)])
        code: object = 0
        capsys.readouterr()
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code or 0
        out, errors = capsys.readouterr()
        return Ended(code, out, [line for line in errors.splitlines() if line.strip() and not PROGRESS.fullmatch(line)])

    return run


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a command writes by default goes where nobody minds."""
    monkeypatch.chdir(tmp_path)


# ---- help --------------------------------------------------------------------------------------------------------


def commands(group: Any, *path: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every command and group of commands with what it says of itself."""
    yield path, group.help
    for name, command in getattr(group, "commands", {}).items():
        yield from commands(command, *path, name)


ALL = dict(commands(typer.main.get_command(cli.app)))


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_has_help(path: tuple[str, ...]) -> None:
    ended = CliRunner().invoke(cli.app, [*path, "--help"])
    assert (ended.exit_code, ended.stderr) == (0, "")
    words = " ".join(ended.stdout.split())
    assert words.split()[2 : 2 + len(path)] == list(path)  # after "Usage: framehold"
    assert len(ALL[path]) > 20
    assert " ".join(ALL[path].split()[:5]) in words
    assert "--help" in words


def test_the_promised_commands_are_there() -> None:
    promised = {"run", "generate", "score", "summarize", "report", "calibrate", "backends", "doctor"}
    assert promised <= {path[0] for path in ALL if path}


def test_help_waits_for_nothing_heavy() -> None:
    code = f"""
import sys
from bench import cli
sys.argv = ["framehold", "--help"]
try:
    cli.main()
finally:
    sys.stderr.write(" ".join(sorted(set(sys.modules) & set({HEAVY}))))
"""
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stderr == ""


# ---- results -----------------------------------------------------------------------------------------------------

SUITE = 'name = "two"\nversion = 1\n[[prompt]]\nid = "a"\ntext = "A walk"\n[[prompt]]\nid = "b"\ntext = "A run"\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite, a finished run of it, and real-looking footage."""
    place = tmp_path_factory.mktemp("place")
    (place / "two.toml").write_text(SUITE)
    bench.run(str(place / "two.toml"), backends=[NAME], out=place / "run", workers=1)
    (place / "footage").mkdir()
    for number in range(4):
        write_video(place / "footage" / f"{number}.mp4", pan(9, 3, seed=number, height=48, width=64), fps=4)
    return place


def strict_json(text: str) -> Any:
    """As every reader of JSON reads it: NaN is none."""

    def refuse(constant: str) -> None:
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


JSON_COMMANDS = {
    "run": ("run {place}/two.toml --backend {name} --out {place}/run --workers 1", ["models", "page"]),
    "generate": ("generate {place}/run --workers 1", ["clips", "missing"]),
    "score": ("score {place}/run --workers 1", ["clips", "missing"]),
    "summarize": ("summarize {place}/run --workers 1", ["models", "reference", "notes"]),
    "report": ("report {place}/run", ["page"]),
    "calibrate": ("calibrate --reference {place}/footage --alpha 0.5 --workers 1 --out c.json", ["alpha", "classes"]),
    "calibrate to another level": ("calibrate --alpha 0.2 --out keen.json", ["alpha", "classes", "left_out"]),
}


@pytest.mark.parametrize(
    "command", [pytest.param(name, marks=pytest.mark.slow) if name == "calibrate" else name for name in JSON_COMMANDS]
)
def test_json_stands_alone_on_standard_output(call: Call, place: Path, command: str) -> None:
    line, keys = JSON_COMMANDS[command]
    ended = call(*line.format(place=place, name=NAME).split(), "--json")
    assert (ended.code, ended.errors) == (0, [])
    assert set(keys) <= set(strict_json(ended.out))


def test_backends_as_json(call: Call) -> None:
    listed = {line["name"]: line for line in strict_json(call("backends", "--json").out)}
    assert "procedural/steady" in listed["procedural"]["models"]
    assert "folder" in listed


@pytest.mark.slow  # asks torch for a GPU
def test_doctor_as_json(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str, offline: bool) -> None:
        assert offline
        raise WeightsAbsent(f"--clip {name}: the weights are not on this machine; get them with: hf download a b")

    monkeypatch.setattr(doctor, "find_clip", absent)  # saves the seconds that open_clip takes to import
    ended = call("doctor", "--json")
    findings = {finding["subject"]: finding for finding in strict_json(ended.out)}
    assert {"python", "codecs", "profile light", "ray"} <= set(findings)
    assert findings[f"CLIP {EXAMPLE_CLIP}"]["advice"] == "get them with: hf download a b"
    missing = [finding for finding in findings.values() if finding["status"] == "missing"]
    assert all(finding["advice"] for finding in missing)
    assert (ended.code, ended.errors) == (2 if missing else 0, [])


def test_people_get_a_table_with_every_model_and_the_reference_rows(call: Call, place: Path) -> None:
    shown = call("summarize", place / "run", "--workers", 1).out
    columns = ("frames held", "seconds", "held to the end", "clips", "broke", "censored", "missing", "static")
    rows = ("small/pan", "small/jump", "real footage", "frozen frame")
    assert [word for word in (*columns, *rows) if word not in shown] == []
    again = call("run", place / "two.toml", "--backend", NAME, "--out", place / "run", "--workers", 1)
    assert again.code == 0
    assert again.out.replace(f"page: {place / 'run' / 'report.html'}\n", "") == shown


# ---- what cannot be done -----------------------------------------------------------------------------------------


def lay(folder: Path, **files: bytes) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name.replace("_", ".")).write_bytes(content)


def bad_inputs(root: Path) -> None:
    """Files and folders that the table below names."""
    lay(root / "empty")
    lay(root / "text", a_mp4=b"not a video")
    lay(root / "zero", a_mp4=b"")
    lay(root / "cut")
    lay(root / "frameless")
    lay(root / "columns", clips_csv=b"file,colour\na.mp4,red\n")
    lay(root / "outside", clips_csv=b"file,model\n../../a.mp4,m\n")
    lay(root / "full", thesis_tex=b"mine")
    lay(root / "broken", spec_json=b"{", clips_jsonl=b"")
    write_video(root / "cut" / "a.mp4", noise(9, 64, 48))
    content = (root / "cut" / "a.mp4").read_bytes()
    (root / "cut" / "a.mp4").write_bytes(content[: len(content) // 2])
    with av.open(str(root / "frameless" / "a.avi"), "w") as container:
        stream = container.add_stream("mjpeg", rate=24)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        container.start_encoding()
    for name, text in {
        "key.toml": SUITE + 'colour = "red"\n',
        "twice.toml": SUITE.replace('"b"', '"a"'),
        "torn.toml": "name = ",
        "none.txt": "# nothing\n",
        "calibration.json": "{}",
        "file": "",
    }.items():
        (root / name).write_text(text)
    (root / "latin.toml").write_bytes(b'name = "\xe9"')


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("bad")
    bad_inputs(root)
    return root


@pytest.mark.parametrize(
    ("line", "named"),
    [
        # clips
        ("run --clips {bad}/empty --model m --out o", "{bad}/empty: no clips here"),
        ("run --clips {bad}/nothing --model m --out o", "{bad}/nothing: no such folder or file"),
        ("run --clips {bad}/file --model m --out o", "{bad}/file: not a video file"),
        ("run --clips {bad}/text --out o", "give --model NAME"),
        ("run --clips {bad}/columns --out o", "{bad}/columns/clips.csv: unknown columns 'colour'"),
        ("run --clips {bad}/outside --out o", "{bad}/outside/clips.csv line 2: ../../a.mp4 lies outside the folder"),
        ("run --clips {bad}/text --model m --out o --workers 1", "o: its only clip is missing"),
        ("run --clips {bad}/zero --model m --out o --workers 1", "the file is empty"),
        ("run --clips {bad}/cut --model m --out o --workers 1", "a_0_27b52cf5d3.mp4: truncated"),
        ("run --clips {bad}/frameless --model m --out o --workers 1", ".avi: "),
        # prompts
        ("run {bad}/key.toml --out o", "{bad}/key.toml: prompt 2 (b): unknown key 'colour'"),
        ("run {bad}/twice.toml --out o", "{bad}/twice.toml: prompts 1 and 2 share the id 'a'"),
        ("run {bad}/torn.toml --out o", "{bad}/torn.toml: not valid TOML"),
        ("run {bad}/latin.toml --out o", "{bad}/latin.toml: not UTF-8 text"),
        ("run {bad}/none.txt --out o", "{bad}/none.txt: no prompts"),
        ("run {bad}/nothing.toml --out o", "{bad}/nothing.toml: no such suite file"),
        ("run nobody --out o", "no suite 'nobody'"),
        # output
        ("run quick --out {bad}/file", "cannot write to {bad}/file: File exists; choose another folder with --out"),
        ("run quick --out {bad}/file/run", "cannot write to {bad}/file/run"),
        ("run quick --out {bad}/full", "{bad}/full is not empty and holds no spec.json"),
        ("run quick --out {bad}/broken", "{bad}/broken/spec.json"),
        ("run quick --out {place}/run", "{place}/run holds a run with another suite and another --backend, --clips"),
        ("run {place}/two.toml --backend procedural --out {place}/run", "holds a run with another --backend, --clips"),
        ("calibrate --reference {place}/footage --out {bad}", "--out {bad}: expected the name of a file"),
        ("calibrate --reference {place}/footage --out {bad}/no/c.json", "--out {bad}/no/c.json: expected"),
        # options
        ("run quick --backend nobody --out o", "unknown backend 'nobody'"),
        ("run quick --backend procedural/nobody --out o", "--backend procedural/nobody"),
        ("run quick --backend folder --out o", "--clips DIR"),
        ("run quick --backend procedural --clips {bad}/text --out o", "--backend and --clips exclude each other"),
        ("run quick --model m --out o", "--model names the clips of --clips DIR"),
        ("run quick --profile heavy --out o", "unknown profile 'heavy'"),
        ("run quick --profile standard --out o", f"comes with version {PROFILES['standard'].version} of it: make one"),
        ("validate --profile standard --out o", "`framehold calibrate --reference DIR --profile standard`"),
        ("run quick --clip ViT --out o", "--clip 'ViT'"),
        ("run quick --workers -1 --out o", "--workers -1"),
        ("run quick --executor slurm --out o", "unknown executor 'slurm'"),
        ("run quick --horizon 0 --out o", "--horizon 0"),
        ("summarize {place}/run --horizon -3", "--horizon -3"),
        ("run quick --calibration {bad}/nothing.json --out o", "{bad}/nothing.json: no calibration"),
        ("run quick --calibration {bad}/calibration.json --out o", "{bad}/calibration.json: not a calibration file"),
        ("run quick --calibration {bad} --out o", "{bad}: cannot be read"),
        ("calibrate --reference {bad}/nothing", "--reference {bad}/nothing: no such folder"),
        ("calibrate --reference {bad}/empty", "--reference {bad}/empty: no videos"),
        ("calibrate --reference {bad}/text --workers 1", "--reference {bad}/text: a false-alarm level of 0.05 needs"),
        ("calibrate --reference {place}/footage --alpha 1.5", "--alpha 1.5"),
        ("calibrate --alpha 0.001", "--alpha 0.001: the thresholds that come with light: a false-alarm level of"),
        ("calibrate --calibration {bad}/nothing.json", "{bad}/nothing.json: no calibration"),
        ("calibrate --calibration c.json --reference {place}/footage", "--reference and --calibration exclude"),
        ("doctor --clip ViT", "--clip 'ViT'"),
        # runs
        *(
            (f"{command} {{bad}}/{folder}", "{bad}/" + folder)
            for command in ("generate", "score", "summarize", "report")
            for folder in ("nothing", "empty", "file", "broken")
        ),
    ],
)
def test_what_cannot_be_done_is_one_line_that_names_it(
    call: Call, bad: Path, place: Path, tmp_path: Path, line: str, named: str
) -> None:
    before = sorted(path.name for path in bad.iterdir())
    ended = call(*line.format(bad=bad, place=place).split())
    assert (ended.code, ended.out) == (2, "")
    (error,) = ended.errors
    assert error.startswith("framehold: ")
    assert named.format(bad=bad, place=place) in error
    assert sorted(path.name for path in bad.iterdir()) == before
    assert not (tmp_path / "o").exists() or "its only clip is missing" in error


def test_stages_in_the_wrong_order_name_the_right_one(call: Call, place: Path, tmp_path: Path) -> None:
    out = tmp_path / "o"
    RunFolder(out).begin(RunFolder(place / "run").spec())
    for command, told in (("score", "generate"), ("summarize", "generate"), ("report", "summarize")):
        assert f"run `framehold {told} {out}` first" in call(command, out).errors[0]
    assert call("generate", out, "--workers", 1).code == 0
    ended = call("summarize", out)
    assert (ended.code, ended.out) == (2, "")
    assert f"run `framehold score {out}` first" in ended.errors[0]


def test_clips_that_are_odd_but_clips_are_scored(call: Call, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    write_clip(clips / "picture.gif", noise(1, 16, 16))
    write_clip(clips / "ffv1.mkv", noise(3, 1, 1))
    ended = call("run", "--clips", clips, "--model", "m", "--out", "o", "--workers", 1, "--json")
    block = strict_json(ended.out)["models"]["m"]
    assert (ended.code, block["clips"], block["missing"]) == (0, 2, 1)
    assert list(block["missing_reasons"]) == ["one frame: a picture, with nothing after it to hold"]
    shown = call("summarize", "o", "--workers", 1).out
    assert "\n- missing, 1: one frame: a picture, with nothing after it to hold\n" in shown


@pytest.mark.parametrize("after", [0, 1, 4, 9])
def test_a_full_disk_names_the_file_and_says_that_nothing_is_lost(
    call: Call, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    arguments = ("run", place / "two.toml", "--backend", NAME, "--out", tmp_path / "o", "--workers", 1, "--json")
    fsync, count = os.fsync, iter(range(10_000))

    def full(file: int) -> None:
        if next(count) >= after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        fsync(file)

    monkeypatch.setattr(os, "fsync", full)
    ended = call(*arguments)
    assert ended.code == 2
    (error,) = ended.errors
    assert error.startswith(f"framehold: {tmp_path / 'o'}/")
    assert "No space left on device" in error
    assert "nothing done so far is lost" in error
    monkeypatch.setattr(os, "fsync", fsync)
    again = call(*arguments)
    assert (again.code, strict_json(again.out)["models"]) == (0, bench.open_run(place / "run").summary["models"])


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("name", [b"clip\xff.mkv", b"folder\xff/clip.mkv", b"pngs/\xff.png"])
def test_a_name_that_no_table_can_hold_is_told(call: Call, tmp_path: Path, name: bytes) -> None:
    path = os.fsencode(tmp_path / "clips") + b"/" + name
    os.makedirs(os.path.dirname(path))
    with open(path, "wb") as file:
        file.write(b"content")
    ended = call("run", "--clips", tmp_path / "clips", "--model", "m", "--out", "o")
    assert (ended.code, ended.out) == (2, "")
    (error,) = ended.errors
    assert "\\udcff" in error
    assert error.endswith("the name is not UTF-8: give it another")
    assert call("run", "--clips", "x", "--model", "m\udcff", "--out", "o").errors == [
        "framehold: 'm\\udcff': the name is not UTF-8: give it another"
    ]


def test_no_name_makes_a_second_line_or_paints_the_terminal(call: Call, tmp_path: Path) -> None:
    for name in ("m/a.mp4", "line\nbreak\x1b[31m.mp4"):
        path = tmp_path / "clips" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (error,) = call("run", "--clips", tmp_path / "clips", "--out", "o").errors
    assert "holds clips (line\\x0abreak\\x1b[31m.mp4)" in error


def test_no_name_of_a_file_paints_the_table(call: Call, tmp_path: Path) -> None:
    """A model is named after its folder, a prompt after its file, and both stand in tables and notes."""
    name = "m\x1b[31m\x1b]0;owned\x07\r\u202e"
    (tmp_path / "clips" / name).mkdir(parents=True)
    write_video(tmp_path / "clips" / name / f"{name}.mp4", pan(4, 3, height=48, width=64))
    (tmp_path / "clips" / name / f"{name}2.mp4").write_text("no video")
    for line in (
        ("run", "--clips", "clips", "--out", "o", "--workers", 1), ("summarize", "o"), ("score", "o"), ("verify", "o"),
    ):  # fmt: skip
        ended = call(*line)
        assert "m\ufffd[31m" in ended.out or line[0] in {"score", "verify"}
        assert not set(ended.out) & set("\x1b\x07\r\u202e")


@pytest.mark.parametrize(
    "line",
    [
        "run nobody --json",
        "score nowhere --json",
        "compare nowhere nowhere --json",
        "suite show nobody --json",
        "run --workers many --json",
    ],
)
def test_where_json_was_asked_for_an_error_is_json_too(call: Call, line: str) -> None:
    ended = call(*line.split())
    assert ended.code == 2
    (error,) = ended.errors
    assert strict_json(ended.out) == {"error": error.removeprefix("framehold: ")}


def test_an_empty_name_is_no_run(call: Call, place: Path) -> None:
    run = f"{place / 'run'}:small/pan"
    for line in (("compare", run, ""), ("compare", " ", run), ("history", run, "")):
        ended = call(*line)
        assert (ended.code, ended.out) == (2, "")
        assert ended.errors == ["framehold: an empty name where a run was expected: give RUN, or RUN:MODEL"]


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("compare {run} {run} --out file/x.md", "--out file/x.md: {here}/file is a file: choose another place"),
        ("compare {run} {run} --out made.md", "--out made.md: that is a folder: expected the name of a file"),
        ("compare {run} {run} --margin lots", "--margin lots: expected a share of the horizon"),
        ("compare {run} {run} --margin 100%", "--margin 100%: no difference can be larger"),
        ("leaderboard {run} --out file", "--out file: {here}/file is a file: choose another place"),
        ("leaderboard {run} --out sealed/board", "--out sealed/board: cannot write to {here}/sealed: choose"),
        ("calibrate --reference {footage} --out sealed/c.json", "--out sealed/c.json: cannot write to {here}/sealed"),
        ("calibrate --reference {footage}", "needs at least 23 sources, and there are 4: add footage, or allow more"),
        ("validate --out file/x", "--out file/x: {here}/file is a file: choose another place"),
        ("distance {footage} {footage} --figure made.svg", "--figure made.svg: that is a folder"),
        ("distance {footage} {footage} --figure x.svg", "--figure: nothing to draw, {footage} has 4 clips and"),
        ("distance {footage} {footage} --span 0", "--span 0: expected 1 or more"),
        ("distance {footage} {footage} --frames 12 --span 8", "--span 8: expected at least the window's 12 frames"),
        ("distance {footage} {footage} --span 900", "--span 900: 0 clips of {footage} may have so many frames"),
    ],
)
def test_options_are_checked_before_the_work(
    call: Call, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, named: str
) -> None:
    """Nothing costly begins: no clip is looked at, no run is read, no thresholds are drawn."""

    def costly(*_: object, **__: object) -> None:
        pytest.fail("work began before the options were checked")

    (tmp_path / "file").touch()
    for name in ("made.md", "made.svg", "sealed"):
        (tmp_path / name).mkdir()
    for work in (
        "bench.stages.pair.redraw",
        "bench.stages.rank.redraw",
        "bench.stages.calibrate.measure_footage",
        "bench.stages.validate.validate",
        "bench.stages.distance.seen_sets",
    ):
        monkeypatch.setattr(work, costly)
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: access(path, mode) and Path(path).name != "sealed")
    words = {"run": place / "run", "footage": place / "footage", "here": tmp_path}
    ended = call(*line.format(**words).split())
    assert (ended.code, ended.out) == (2, "")
    (error,) = ended.errors
    assert named.format(**words) in error


def test_two_at_once_are_refused(call: Call, place: Path) -> None:
    folder = RunFolder(place / "run")
    with folder.locked():
        ended = call("score", folder.root)
    assert (ended.code, ended.out) == (2, "")
    assert ended.errors == [f"framehold: another framehold is at work in {folder.root}: wait for it to end"]


def test_ctrl_c_says_how_to_go_on(call: Call, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stage, "score", stop)
    ended = call("run", place / "two.toml", "--backend", NAME, "--out", tmp_path / "o", "--workers", 1)
    assert (ended.code, ended.out) == (130, "")
    assert ended.errors == ["framehold: stopped; run the same command again to go on where it left off"]


def test_debug_shows_where_it_came_from(call: Call) -> None:
    with pytest.raises(FrameholdError, match="no suite 'nobody'"):
        call("--debug", "run", "nobody")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("run --frobnicate", "No such option: --frobnicate"),
        ("score", "Missing argument"),
        ("nobody", "No such command 'nobody'"),
        ("run --workers many", "Invalid value for '--workers'"),
        ("suite show --nothing", "--nothing"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(call: Call, line: str, said: str) -> None:
    ended = call(*line.split())
    assert (ended.code, ended.out) == (2, "")
    (error,) = ended.errors
    assert error.startswith("framehold: ")
    assert said in error
    assert "--help`" in error


def test_no_command_at_all_is_help(call: Call) -> None:
    ended = call()
    assert ended.code == 2
    assert "Usage: framehold" in ended.out + "".join(ended.errors)


def test_a_fault_of_our_own_is_exit_2_and_no_regression(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("torn")

    monkeypatch.setattr("bench.stages.compare.compare", broken)
    ended = call("compare", "a", "b")
    assert (ended.code, ended.out) == (2, "")
    (error,) = ended.errors
    assert error.startswith("framehold: RuntimeError: torn: a damaged file, or a fault of framehold")


def test_what_was_left_out_of_footage_is_told_and_in_the_json(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.records import Calibration, LeftOut
    from bench.stages.calibrate import Learnt
    from bench.stages.validate import Study

    left_out = LeftOut(9, {f"{name}.mp4": "the file is empty" for name in "abcd"})
    line = f"left out 4 of 9 files: {''.join(f'{name}.mp4: the file is empty; ' for name in 'abc')}and 1 more"
    share = {"value": 0.0, "low": 0.0, "high": 0.1}
    study = Study("f", "x", 5, 5, 12, 0, {"clips": 5, "share": share}, (), {}, {}, {}, left_out=left_out)
    learnt = Learnt(Calibration("light", 1, 0.05, ()), left_out)
    monkeypatch.setattr("bench.stages.relevel.calibrate", lambda *_: learnt)
    monkeypatch.setattr("bench.stages.validate.validate", lambda out, *_, **__: out.mkdir(exist_ok=True) or study)
    for command in (("calibrate", "--reference", tmp_path), ("validate", "--out", "study")):
        assert line in call(*command).out.splitlines()
        content = json.loads(call(*command, "--json").out)
        assert content["left_out"] == {"of": 9, "reasons": dict(left_out.reasons)}


def test_validate_names_the_files_it_wrote_and_the_targets_it_is_below(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench.stages.validate import Study

    share = {"value": 0.2, "low": 0.1, "high": 0.3}
    study = Study("drawn", "x", 2, 2, 12, 0, {"clips": 40, "share": share}, (), {}, {}, {})

    def stage(out: Path, *_: object, **__: object) -> Study:
        out.mkdir()
        return study

    monkeypatch.setattr("bench.stages.validate.validate", stage)
    content = json.loads(call("validate", "--out", "study", "--json").out)
    assert content["files"] == ["study/validation.md", "study/validation.svg", "study/misses.html"]
    assert all((tmp_path / name).is_file() for name in content["files"])
    assert [(one["group"], one["wanted"]) for one in content["below_targets"]] == [("unbroken clips", 0.05)]
    assert "| unbroken clips | 0.20 / 0.05 |" in (tmp_path / "study/validation.md").read_text(encoding="utf-8")
    assert call("validate", "--out", "again").out.splitlines()[-1] == "again/misses.html"
