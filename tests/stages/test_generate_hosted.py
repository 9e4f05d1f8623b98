"""Paid clips as a user meets them: plan, dry run, the question, caps, resubmits, and rows of runs before this one."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from bench.backends.hosted import keys
from bench.backends.hosted.ledger import FILE_NAME, Ledger
from bench.cli import app
from bench.records import ClipRow, FrameholdError, Prompt, Source, Spec, Suite
from bench.run_folder import RunFolder, read_records
from bench.stages import Crew
from bench.stages.generate import generate
from bench.stages.plan import _opened, bill_for, list_jobs, look_ahead, plan_jobs
from tests.backends.hosted.runs import ENVIRONMENT, prompts_of, spec_for
from tests.backends.hosted.stand_in import KEY, STAND_INS, StandIn

QUICK_CLIPS = 12


@pytest.fixture(autouse=True)
def only_our_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.delenv(keys.KEY_FILE_VARIABLE, raising=False)
    monkeypatch.setenv("RUNWAYML_BASE_URL", "http://127.0.0.1:9")  # what is sent by mistake finds nobody
    monkeypatch.setattr("ssl.SSLContext.load_verify_locations", lambda *_, **__: None)  # which takes its time
    _opened.cache_clear()
    for name in ENVIRONMENT:
        monkeypatch.setenv(name, KEY)
    monkeypatch.setenv("HOME", "/nonexistent")
    monkeypatch.setattr("bench.stages.run.load_calibration", lambda *_: (None, "c" * 64))


@pytest.fixture
def runway() -> Iterator[StandIn]:
    with STAND_INS["runway"]().open() as stand_in:
        yield stand_in


def invoke(*arguments: str, said: str | None = None) -> Result:
    return CliRunner().invoke(app, list(arguments), input=said)


def fault(*arguments: str) -> str:
    """The line that `main` prints for it."""
    result = invoke(*arguments)
    assert isinstance(result.exception, FrameholdError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def options_file(folder: Path, stand_in: StandIn, **more: Any) -> str:
    """The options that lead to the stand-in, as a user would write them."""
    spec_for(stand_in, (), **more)
    lines = [f"{name} = {json.dumps(value)}" for name, value in stand_in.options.items()]
    path = folder / "options.toml"
    path.write_text("[runway]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


def begun(root: Path, stand_in: StandIn, count: int, **options: Any) -> Path:
    folder = RunFolder(root)
    folder.begin(spec_for(stand_in, prompts_of(count), **options))
    return root


def rows_of(root: Path) -> list[ClipRow]:
    return RunFolder(root).clips()


# ---- before anything is spent ----------------------------------------------------------------------------------------


def test_a_dry_run_as_a_stranger_sees_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("RUNWAYML_API_SECRET")
    monkeypatch.chdir(tmp_path)
    result = invoke("run", "quick", "--backend", "runway", "--dry-run")
    assert result.exit_code == 0
    for word in ("suite quick v1", "runway/gen4.5", "12", "60", "1.50", "18.00", "25 credits a second", "2026-11"):
        assert word in result.output
    assert "to make: 12 clips, 60 seconds of paid video, at most 18.00 USD\nnothing was spent" in result.output
    assert list(tmp_path.iterdir()) == []


def test_a_plan_as_json(tmp_path: Path) -> None:
    result = invoke("plan", "quick", "--backend", "runway/kling_4", "--backend", "procedural/pop", "--json")
    plan = json.loads(result.stdout)
    paid, free = plan["lines"]
    assert (paid["model"], paid["clips"], paid["seconds"], paid["usd"]) == ("runway/kling_4", QUICK_CLIPS, 60.0, None)
    assert (free["model"], free["clips"], free["usd"]) == ("procedural/pop", QUICK_CLIPS, 0.0)
    assert plan["unpriced"] == ["runway/kling_4"]
    told = json.loads(invoke("plan", "quick", "--backend", "runway/kling_4", "--price", "0.5", "--json").stdout)
    assert (told["due_usd"], told["unpriced"]) == (6.0, [])


def test_a_price_that_is_not_known_is_said(tmp_path: Path) -> None:
    result = invoke("plan", "quick", "--backend", "runway/kling_4")
    assert "unknown" in result.output
    assert "and what runway/kling_4 costs, which is not known" in result.output
    said = fault(
        "run", "quick", "--backend", "runway/kling_4", "--out", str(tmp_path / "r"), "--max-cost", "9", "--yes"
    )
    assert "runway/kling_4: nobody says what a clip costs" in said
    assert "--price" in said


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--backend", "runway/gen3a_turbo"), "ask for runway/gen4.5"),
        (("--backend", "openai-video/sora-2"), "at OpenAI on 2026-09-24"),
        (("--backend", "fal"), "which model"),
        (("--backend", "runway", "--max-cost", "17.99"), "would cost 18.00 USD and 17.99 may be spent"),
        (("--backend", "runway"), "up to 18.00 US dollars: look at it with --dry-run, allow it with --yes"),
        (("--backend", "procedural/pop", "--price", "1"), "--price is for backends that cost money"),
        (("--backend", "runway", "--options", "/nonexistent.toml"), "cannot be read"),
    ],
)
def test_what_cannot_be_is_told_in_one_line_before_any_folder(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    assert words in fault("run", "quick", "--out", str(tmp_path / "r"), *arguments)
    assert not (tmp_path / "r").exists()


def test_a_missing_key_is_told_before_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNWAYML_API_SECRET")
    for told in (("--yes",), (), ("--max-cost", "1")):  # before any sum, be it asked for or too high
        said = fault("run", "quick", "--backend", "runway", *told, "--out", str(tmp_path / "r"))
        assert "set RUNWAYML_API_SECRET" in said
        assert "18.00" not in said
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[runway]\nsecond = 5\n", "runway options: second"),
        ("[runwy]\nseconds = 5\n", r"[runwy] is no backend of this run"),
        ("runway = 5\n", "expected a table a backend"),
        ("[runway\n", "not valid TOML"),
    ],
)
def test_options_are_checked_by_name(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "options.toml"
    path.write_text(text, encoding="utf-8")
    assert words in fault("plan", "quick", "--backend", "runway", "--options", str(path))


def test_options_change_what_is_asked_for_and_what_it_costs(tmp_path: Path) -> None:
    path = tmp_path / "options.toml"
    path.write_text('[runway]\nseconds = 2\n[runway.arguments]\noutputFormat = "mp4"\n', encoding="utf-8")
    plan = json.loads(invoke("plan", "quick", "--backend", "runway", "--options", str(path), "--json").stdout)
    assert (plan["lines"][0]["seconds"], plan["due_usd"]) == (24.0, pytest.approx(12 * 2 * 0.25))


# ---- spending --------------------------------------------------------------------------------------------------------


def test_a_run_asks_and_no_is_no(
    runway: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    del capfd
    root = begun(tmp_path / "run", runway, 2)
    monkeypatch.setattr("bench.commands.planning._can_ask", lambda: True)
    refused = invoke("generate", str(root), said="n\n")
    assert str(refused.exception) == "nothing was spent"
    assert not runway.jobs
    agreed = invoke("generate", str(root), said="y\n")
    assert agreed.exit_code == 0, agreed.output
    assert len(runway.jobs) == 2


def test_yes_spends_what_the_plan_says_and_the_rest_is_there_next_time(runway: StandIn, tmp_path: Path) -> None:
    root = begun(tmp_path / "run", runway, 3)
    assert "allow it with --yes" in fault("generate", str(root))
    result = invoke("generate", str(root), "--yes", "--json")
    assert json.loads(result.stdout) == {"clips": 3, "missing": {}}
    assert [row.cost_usd for row in rows_of(root)] == [1.0] * 3
    again = invoke("generate", str(root))  # nothing to spend, so nothing to ask
    assert again.exit_code == 0
    assert len(runway.jobs) == 3
    dry = invoke("generate", str(root), "--dry-run")
    assert "there already: 3 clips; charged or set aside: 3.00 USD" in dry.output


def test_resubmit_asks_again_only_for_what_came_to_nothing(runway: StandIn, tmp_path: Path) -> None:
    prompts = prompts_of(4)
    runway.outcomes = {prompts[1]: "failed", prompts[2]: "refused"}
    runway.weather.lined_up["submit"].append("500")
    root = begun(tmp_path / "run", runway, 4, concurrency=1)
    assert invoke("generate", str(root), "--yes").exit_code == 0
    assert len(runway.jobs) == 4
    missing = {row.prompt: str(row.missing).split(" ")[0] for row in rows_of(root) if row.missing}
    assert missing == {prompts[0]: "unknown:", prompts[1]: "failed", prompts[2]: "refused"}
    dry = invoke("generate", str(root), "--dry-run")
    assert "2 paid jobs came to nothing or are not known of: --resubmit asks once more" in dry.output
    priced = json.loads(invoke("generate", str(root), "--dry-run", "--resubmit", "--json").stdout)
    assert priced["due_usd"] == 3.0
    assert len(runway.jobs) == 4
    assert "would spend up to 3.00" in fault("generate", str(root), "--resubmit")
    runway.outcomes = {}
    assert invoke("generate", str(root), "--resubmit", "--yes").exit_code == 0
    assert {row.prompt for row in rows_of(root) if row.missing} == {prompts[2]}
    assert len(runway.jobs) == 6


def test_the_cap_is_of_the_whole_run(runway: StandIn, tmp_path: Path) -> None:
    prompts = prompts_of(3)
    runway.outcomes = {prompts[0]: "cancelled"}
    root = begun(tmp_path / "run", runway, 3)
    assert invoke("generate", str(root), "--yes", "--max-cost", "4.5").exit_code == 0
    assert Ledger(root / FILE_NAME).committed_usd() == 2.0
    said = fault("generate", str(root), "--yes", "--resubmit", "--max-cost", "3.4")
    assert "would cost 1.50 USD after 2.00 USD already charged or set aside and 3.40 may be spent in all" in said
    assert invoke("generate", str(root), "--yes", "--resubmit", "--max-cost", "3.5").exit_code == 0


def test_options_from_a_file_lead_to_the_provider(
    runway: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole command up to the clips; scoring has tests of its own."""
    done: list[float] = []

    def run_all(folder: RunFolder, spec: Spec, crew: Crew, *, offline: bool, max_cost_usd: float) -> dict[str, Any]:
        folder.begin(spec)
        generate(folder, crew, max_cost_usd)
        done.append(max_cost_usd)
        return {}

    monkeypatch.setattr("bench.stages.run.run_all", run_all)
    monkeypatch.setattr("bench.report.write_report", lambda folder: folder.report_path)
    monkeypatch.setattr("bench.commands.pipeline.show_summary", lambda *_: None)
    root = str(tmp_path / "run")
    options = options_file(tmp_path, runway, concurrency=8)
    result = invoke("run", "quick", "--backend", "runway", "--options", options, "--out", root, "--yes")
    assert result.exit_code == 0, (result.output, result.exception)
    assert done == [18.0]
    assert len(runway.jobs) == len(rows_of(Path(root))) == QUICK_CLIPS


# ---- rows and ledgers ------------------------------------------------------------------------------------------------


def test_a_prompt_that_is_too_long_is_refused_beforehand(runway: StandIn, tmp_path: Path) -> None:
    spec = spec_for(runway, ("A dog runs", "\N{DOG}" * 501))
    assert any("too long to be sent" in note and "p1" in note for note in look_ahead(None, spec).notes)
    folder = RunFolder(tmp_path / "run")
    folder.begin(spec)
    fine, long = generate(folder, Crew(), 1.5)
    assert (fine.missing, long.refused, long.cost_usd) == (None, "PROMPT_TOO_LONG", 0.0)
    assert len(runway.bodies) == 1
    assert generate(folder, Crew(), 0.0) == [fine, long]


def test_a_ledger_of_other_arguments_is_not_mixed_in(runway: StandIn, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(spec_for(runway, prompts_of(1)))
    generate(folder, Crew(), 1.5)
    other = spec_for(runway, prompts_of(1), seconds=6)
    with pytest.raises(FrameholdError, match=r"holds a paid job for .* asked for with other arguments"):
        plan_jobs(folder.root, other, 100.0)


def test_a_run_killed_before_its_first_row_is_gone_on_with(runway: StandIn, tmp_path: Path) -> None:
    """Its folder holds a ledger and no clip: it must not be taken for somebody else's."""
    spec = spec_for(runway, prompts_of(1), give_up_seconds=0.05)
    runway.outcomes = dict.fromkeys(prompts_of(1), "slow")
    folder = RunFolder(tmp_path / "run")
    folder.begin(spec)
    generate(folder, Crew(), 1.5)
    folder.clips_path.write_bytes(b"")
    folder.begin(spec)
    (job,) = runway.jobs.values()
    job.outcome, job.looks_left = "done", 0
    (row,) = generate(folder, Crew(), 0.0)  # nothing is to be spent any more
    assert row.file
    assert len(runway.jobs) == 1


def test_a_lost_clip_file_is_downloaded_again_and_not_bought_again(runway: StandIn, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.begin(spec_for(runway, prompts_of(1)))
    (row,) = generate(folder, Crew(), 1.5)
    (folder.root / str(row.file)).unlink()
    (again,) = generate(folder, Crew(), 0.0)
    assert again.sha256 == row.sha256
    assert len(runway.jobs) == 1


def test_drawn_and_paid_clips_go_into_one_run(runway: StandIn, tmp_path: Path) -> None:
    paid = spec_for(runway, ())
    suite = Suite("two", 1, (Prompt("ball", "A ball rolls"),))
    drawn = Source("procedural", {"frames": 3, "width": 32, "height": 32}, ("procedural/steady",))
    folder = RunFolder(tmp_path / "run")
    spec = Spec(suite, (drawn, *paid.sources))
    folder.begin(spec)
    jobs, _ = list_jobs(folder.root, spec)
    assert [job.request.key.model for job in bill_for(folder.root, jobs).jobs] == ["runway/gen4.5"]
    rows = generate(folder, Crew(), 1.5)
    assert [(row.model, bool(row.file), row.cost_usd) for row in rows] == [
        ("procedural/steady", True, None),
        ("runway/gen4.5", True, 1.0),
    ]


def test_rows_from_before_paid_backends_are_still_read(tmp_path: Path) -> None:
    old = {
        "clip_id": "a_b_0_c", "model": "a", "prompt_id": "b", "seed": 0, "prompt": "A dog", "category": "animals",
        "moves": "subject", "backend": "procedural", "fingerprint": "f", "file": "clips/a.avi", "preview": None,
        "sha256": None, "fps": None, "missing": None, "facts": {},
    }  # fmt: skip
    (tmp_path / "clips.jsonl").write_text(json.dumps(old) + "\n", encoding="utf-8")
    (row,) = read_records(tmp_path / "clips.jsonl", ClipRow)
    assert (row.refused, row.seeded, row.cost_usd) == (None, None, None)


def test_ctrl_c_ends_with_130_and_says_what_runs(
    runway: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = begun(tmp_path / "run", runway, 2, concurrency=1)
    runway.outcomes = dict.fromkeys(prompts_of(2), "slow")

    def interrupt(outcomes: object) -> None:
        until = time.monotonic() + 60
        while not any(path.startswith("/v1/tasks/") for _, path, _ in runway.asked) and time.monotonic() < until:
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr("bench.backends.hosted.engine._next", interrupt)
    result = invoke("generate", str(root), "--yes")
    assert result.exit_code == 130
    (job,) = runway.jobs
    assert f"1 paid job still runs and will be picked up then: runway/gen4.5 job {job}" in result.stderr
