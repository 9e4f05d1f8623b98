"""compare: pairing, refusals, missing clips, unequal lengths, and what a reader is told."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from bench.records import FrameholdError, Source, Suite
from bench.run_folder import RunFolder, read_rows, replace_rows, replace_table
from bench.stages import Crew
from bench.stages.compare import compare
from bench.stages.rank import rank
from bench.stages.remark import _seeds
from bench.stages.seal import SEAL, seal
from bench.stages.trend import trend
from tests.stages.held_runs import DOUBTFUL, Held, clips_of, write_held_run

STEADY = [None, 9, 10, None, 8, None, 11, 9, None, 10]
WRECKED = [2, 1, 3, 2, 1, 2, 3, 1, 2, 2]
Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a run of clips and return its place."""

    def make(name: str, clips: list[Held], **options: object) -> str:
        return str(write_held_run(tmp_path / name, clips, **options).root)  # type: ignore[arg-type]

    return make


# ---- verdicts ----------------------------------------------------------------------------------------------------


def test_a_wrecked_model_is_a_regression_and_the_other_way_round_a_pass(write: Write) -> None:
    old, new = write("old", clips_of("m", STEADY)), write("new", clips_of("m", WRECKED))
    worse = compare(old, new)
    assert (worse.verdict, worse.exit_code) == ("regression", 1)
    assert worse.frames.value == pytest.approx((sum(WRECKED) - sum(frame or 12 for frame in STEADY)) / 10)
    assert worse.seconds.value == pytest.approx(worse.frames.value / 24)
    assert (worse.horizon_frames, worse.horizon_seconds, worse.margin) == pytest.approx((12, 0.5, 0.6))
    better = compare(new, old)
    assert (better.verdict, better.exit_code) == ("pass", 0)
    assert better.prompts_worse == ()


def test_ten_prompts_that_hold_alike_settle_nothing(write: Write) -> None:
    found = compare(write("old", clips_of("m", STEADY)), write("new", clips_of("n", STEADY)))
    assert (found.frames.value, found.verdict, found.exit_code) == (0, "inconclusive", 3)


def test_the_same_bytes_pass(write: Write) -> None:
    clips = [replace(clip, content=f"bytes {number}") for number, clip in enumerate(clips_of("m", STEADY))]
    found = compare(write("old", clips), write("new", clips))
    assert found.verdict == "pass"
    assert "byte for byte" in found.sentence
    changed = [replace(clips[0], content="other bytes"), *clips[1:]]
    assert compare(write("old2", clips), write("changed", changed)).verdict == "inconclusive"


def test_the_margin_decides(write: Write) -> None:
    """A model that loses 4 of 12 frames on every prompt: more than a little, less than half."""
    old = write("old", clips_of("m", [8, 9, 10] * 20))
    new = write("new", clips_of("m", [4, 5, 6] * 20))
    verdicts = {margin: compare(old, new, margin=margin).verdict for margin in ("0%", "5%", "33%", "50%", "6", "1")}
    assert verdicts == {
        "0%": "regression",
        "5%": "regression",
        "33%": "inconclusive",
        "50%": "pass",
        "6": "pass",
        "1": "regression",
    }


@pytest.mark.parametrize("margin", ["much", "-5%", "nan", ""])
def test_a_margin_that_is_none_is_refused(write: Write, margin: str) -> None:
    run = write("run", clips_of("m", STEADY))
    with pytest.raises(FrameholdError, match=r"--margin .*expected a share of the horizon such as 5%"):
        compare(run, run, margin=margin)


def test_a_doubtful_calibration_makes_a_verdict_doubtful(write: Write) -> None:
    sure = compare(write("a", clips_of("m", STEADY * 2)), write("b", clips_of("m", WRECKED * 2)))
    doubtful = compare(
        write("c", clips_of("m", STEADY * 2), scores=DOUBTFUL), write("d", clips_of("m", WRECKED * 2), scores=DOUBTFUL)
    )
    assert sure.frames.value == doubtful.frames.value
    assert (sure.verdict, doubtful.verdict) == ("regression", "inconclusive")


# ---- pairing -----------------------------------------------------------------------------------------------------


def test_pairs_are_of_one_prompt_and_seed_whatever_the_order(write: Write) -> None:
    old = clips_of("m", [3, 4, 5, 6, 7, 8], seeds=2)
    new = [replace(clip, model="n", broke_at=(clip.broke_at or 0) - 1) for clip in reversed(old)]
    found = compare(write("old", old), write("new", new))
    assert (found.frames.value, found.frames.pairs, found.frames.prompts, found.unpaired) == (-1, 6, 3, 0)
    pairs = [pair for prompt in found.prompts_worse for pair in prompt.clips]
    assert {(pair.baseline_held or 0) - (pair.candidate_held or 0) for pair in pairs} == {1}


def test_what_only_one_was_asked_for_is_left_out_and_counted(write: Write) -> None:
    old, new = clips_of("m", [3, 4, 5, 6], seeds=2), clips_of("m", [3, 4, 5, 6, 7, 8], seeds=2)
    found = compare(write("old", old), write("new", new), allow_different=True)
    assert (found.frames.pairs, found.unpaired) == (4, 2)


def test_nothing_in_common_is_an_error(write: Write) -> None:
    old, new = write("old", [Held("m", "sea", 3)]), write("new", [Held("m", "hill", 3)])
    with pytest.raises(FrameholdError, match="no prompt and seed"):
        compare(old, new, allow_different=True)


def test_two_models_of_one_run(write: Write) -> None:
    run = write("run", clips_of("lab/a", STEADY) + clips_of("lab/b", WRECKED))
    assert compare(f"{run}:lab/a", f"{run}:lab/b").verdict == "regression"
    with pytest.raises(FrameholdError, match=r"has 2 models: choose one as .*:lab/a, .*:lab/b"):
        compare(run, run)
    with pytest.raises(FrameholdError, match="no model 'lab/c': it has lab/a, lab/b"):
        compare(f"{run}:lab/c", f"{run}:lab/b")


def test_a_colon_in_a_folder_s_name_is_no_model(write: Write) -> None:
    run = write("a:b", clips_of("m", STEADY))
    assert compare(run, f"{run}:m").verdict == "pass"


# ---- runs that cannot be compared --------------------------------------------------------------------------------


def test_another_suite_is_refused_and_said_in_the_verdict_if_allowed(write: Write) -> None:
    old = write("old", clips_of("m", STEADY))
    new = write("new", clips_of("m", WRECKED), categories={"p0": "people"})
    with pytest.raises(FrameholdError, match=r"differ in suite: .*--allow-different"):
        compare(old, new)
    found = compare(old, new, allow_different=True)
    assert found.differs == ("suite",)
    assert found.sentence.endswith("but the runs differ in suite")


def test_another_calibration_is_refused_and_the_same_bytes_are_then_no_pass(write: Write) -> None:
    clips = [replace(clip, content=f"bytes {number}") for number, clip in enumerate(clips_of("m", STEADY))]
    old, new = write("old", clips), write("new", clips, scores=DOUBTFUL)
    with pytest.raises(FrameholdError, match="differ in calibration"):
        compare(old, new)
    assert compare(old, new, allow_different=True).verdict == "inconclusive"


def test_holds_that_were_changed_by_hand_are_refused(write: Write) -> None:
    old, new = write("old", clips_of("m", STEADY)), write("new", clips_of("m", WRECKED))
    run = RunFolder(new)
    rows = run.table(run.holds_path).to_pylist()
    rows[3]["held_frames"] = 12
    replace_table(run.holds_path, pq.read_table(run.holds_path).from_pylist(rows, pq.read_schema(run.holds_path)))
    with pytest.raises(FrameholdError, match=r"holds.parquet: its bytes are not those that were sealed"):
        compare(old, new)
    seal(run)
    with pytest.raises(FrameholdError, match=f"the hold of {rows[3]['clip_id']} is not what its curves give"):
        compare(old, new)


def drop_rows(run: RunFolder, count: int) -> None:
    """Take the first rows out of every table, as one would who wants them forgotten."""
    rows = read_rows(run.clips_path)
    gone = {row["clip_id"] for row in rows[:count]}
    replace_rows(run.clips_path, rows[count:])
    for path in (run.holds_path, run.curves_path, run.metrics_path, run.evidence_path):
        table = pq.read_table(path)
        kept = [row for row in table.to_pylist() if row["clip_id"] not in gone]
        replace_table(path, table.from_pylist(kept, table.schema))


def test_rows_that_were_taken_out_do_not_turn_a_regression(write: Write) -> None:
    """The worst half of the clips is dropped: refused by the seal, and without a seal missing, not forgotten."""
    old = write("old", clips_of("m", [None] * 20))
    new = write("new", clips_of("m", [1] * 10 + [None] * 10))
    assert compare(old, new).verdict == "regression"
    run = RunFolder(new)
    drop_rows(run, 10)
    told = rf"{new}: clips.jsonl: its bytes .* \(and 3 more\): run `framehold verify {new}` to see what was changed$"
    for conclude in (lambda: compare(old, new), lambda: compare(new, old), lambda: trend([old, new])):
        with pytest.raises(FrameholdError, match=told):
            conclude()
    (run.root / SEAL).unlink()
    found = compare(old, new)
    assert (found.candidate.clips, found.candidate.missing, found.missing_one_side, found.unpaired) == (20, 10, 10, 0)
    assert found.sensitivity is not None
    assert (found.verdict, found.sensitivity.worst_verdict) == ("inconclusive", "regression")
    assert f"{new} has no row of 10 clips that its suite asks of m: missing." in found.notes
    unsealed = f"{new} is not sealed (it has no seal.json): nothing says that its tables are as they were made."
    assert unsealed in found.notes
    assert not [note for note in found.notes if note.startswith(f"{old} is not sealed")]
    assert compare(old, new, missing="broken").verdict == "regression"
    assert unsealed in trend([old, new]).notes


def test_a_seed_or_a_prompt_that_was_edited_is_refused_sealed_or_not(write: Write) -> None:
    old, new = write("old", clips_of("m", STEADY)), write("new", clips_of("m", WRECKED))
    run = RunFolder(new)
    rows = read_rows(run.clips_path)
    for change, told in (
        ({"seed": 7}, rf"clips.jsonl: {rows[0]['clip_id']}: not the id of m, p0, 7"),
        ({"moves": "none"}, rf"clips.jsonl: {rows[0]['clip_id']}: prompt, moves or category are not the suite's"),
    ):
        replace_rows(run.clips_path, [rows[0] | change, *rows[1:]])
        with pytest.raises(FrameholdError, match=r"clips.jsonl: its bytes are not those that were sealed"):
            compare(old, new)
        (run.root / SEAL).unlink()
        with pytest.raises(FrameholdError, match=told):
            compare(old, new)
        replace_rows(run.clips_path, rows)
        seal(run)


def test_a_leaderboard_keeps_out_what_is_not_as_it_was_sealed(write: Write) -> None:
    """As compare does: a changed table is out by name, an unsealed run is in and said, lost rows are missing."""
    good, bad = Path(write("good", clips_of("good", STEADY))), Path(write("bad", clips_of("bad", WRECKED)))
    run = RunFolder(bad)
    table = pq.read_table(run.metrics_path)
    replace_table(run.metrics_path, table.from_pylist([{"clip_id": "x", "metric": "y", "value": 1.0}], table.schema))
    board = rank([good, bad], Crew())
    assert [each.reasons for each in board.rejected] == [("metrics.parquet: its bytes are not those that were sealed",)]
    (bad / SEAL).unlink()
    drop_rows(run, 2)
    lenient = rank([good, bad], Crew(), rules=False)
    assert [(entry.clips, entry.missing) for entry in lenient.entries if entry.model == "bad"] == [(10, 2)]
    assert any(note.startswith(f"{bad} is not sealed") for note in lenient.notes)
    assert "2 of 10 clips were never made (p0)" in rank([good, bad], Crew()).rejected[0].reasons


def test_a_pass_says_when_the_candidate_murmurs(write: Write) -> None:
    """Sixty clips hold to the end on both sides; those of the candidate come nearer to the alarm."""
    calm = [Held("m", f"p{number}", murmur=0.2) for number in range(60)]
    loud = [Held("m", f"p{number}", murmur=0.5 + 0.2 * (number % 2)) for number in range(60)]
    old, new = write("old", calm), write("new", loud)
    found = compare(old, new)
    assert found.evidence is not None
    assert (found.verdict, found.frames.value, found.evidence.pairs) == ("pass", 0, 60)
    assert found.evidence.value == pytest.approx(0.6 - 0.2)
    assert found.evidence.low is not None
    assert found.evidence.low > 0.3
    assert (
        "; but where neither breaks, its clips show more evidence of breaks: +0.40 of a threshold (+0.3"
        in found.sentence
    )
    assert found.sentence.endswith(", 60 pairs)")
    assert found.to_dict()["evidence"]["value"] == found.evidence.value
    calmer = compare(new, old)
    for quiet in (calmer, compare(old, old), compare(old, write("same", calm))):
        assert "evidence" not in quiet.sentence
    assert calmer.evidence is not None
    assert calmer.evidence.value == pytest.approx(-0.4)


def test_evidence_is_of_pairs_that_hold_at_one_length_under_one_rule(write: Write) -> None:
    """What broke, on either side, is in the frames held; a longer clip has more frames to be loud in."""
    old = [Held("m", f"p{number}", murmur=0.2) for number in range(4)]
    new = [replace(clip, murmur=0.5) for clip in old]
    new[0], new[1], old[2] = replace(new[0], broke_at=3), replace(new[1], frames=24), replace(old[2], broke_at=9)
    found = compare(write("old", old), write("new", new)).evidence
    assert found is not None
    assert (found.pairs, found.baseline, found.candidate) == pytest.approx((1, 0.2, 0.5))
    assert compare(write("broken", clips_of("m", [3, 4])), write("too", clips_of("m", [None, 4]))).evidence is None
    other = write("other", old, scores=DOUBTFUL)
    assert compare(write("old2", old), other, allow_different=True).evidence is None


def test_a_table_left_behind_is_no_change(write: Write) -> None:
    """A baseline is sent without what comparisons do not read."""
    old, new = write("old", clips_of("m", STEADY)), write("new", clips_of("m", WRECKED))
    RunFolder(old).evidence_path.unlink()
    assert compare(old, new).verdict == "regression"


def test_a_folder_that_is_no_run_and_a_run_that_was_not_summarized(write: Write, tmp_path: Path) -> None:
    run = write("run", clips_of("m", STEADY))
    with pytest.raises(FrameholdError, match="not a run folder"):
        compare(run, tmp_path / "nothing")
    RunFolder(run).summary_path.unlink()
    with pytest.raises(FrameholdError, match="framehold summarize"):
        compare(run, run)


# ---- missing clips -----------------------------------------------------------------------------------------------


def with_gaps(breaks: Sequence[int | None], *gaps: int) -> list[Held]:
    clips = clips_of("m", breaks)
    return [replace(clip, missing="refused") if number in gaps else clip for number, clip in enumerate(clips)]


def test_a_missing_clip_takes_its_partner_with_it(write: Write) -> None:
    found = compare(write("old", clips_of("m", [9, 9, 9, 9])), write("new", with_gaps([9, 9, 9, 3], 0, 1)))
    assert (found.frames.pairs, found.missing_one_side, found.missing_both) == (2, 2, 0)
    assert found.frames.value == -3


def test_missing_on_both_sides_is_no_doubt(write: Write) -> None:
    found = compare(write("old", with_gaps(STEADY, 0)), write("new", with_gaps(WRECKED, 0)))
    assert (found.missing_one_side, found.missing_both, found.sensitivity) == (0, 1, None)
    assert found.verdict == "regression"


def test_missing_clips_as_good_and_as_bad_as_can_be(write: Write) -> None:
    found = compare(write("old", clips_of("m", [6] * 4)), write("new", with_gaps([6] * 4, 0)))
    assert found.sensitivity is not None
    assert found.sensitivity.best.value == pytest.approx((12 - 6) / 4)
    assert found.sensitivity.worst.value == pytest.approx((0 - 6) / 4)


def test_a_pass_that_hangs_on_missing_clips_is_none(write: Write) -> None:
    """Better on sixty prompts; twenty clips that nobody has seen could turn that round."""
    old = clips_of("m", [6] * 80)
    new = with_gaps([7] * 80, *range(20))
    found = compare(write("old", old), write("new", new))
    assert found.sensitivity is not None
    assert (found.sensitivity.best_verdict, found.sensitivity.worst_verdict) != ("pass", "pass")
    assert found.verdict == "inconclusive"
    assert "20 pairs" in found.sentence
    sound = compare(write("old2", old), write("new2", with_gaps([9] * 80, 0)))
    assert sound.verdict == "pass"  # one missing clip changes nothing


def test_missing_clips_may_count_as_broken(write: Write) -> None:
    old, new = write("old", clips_of("m", [9] * 10)), write("new", with_gaps([9] * 10, 0, 1, 2, 3, 4))
    found = compare(old, new, missing="broken")
    assert (found.frames.value, found.frames.pairs) == (-4.5, 10)
    assert (found.verdict, compare(old, new).verdict) == ("regression", "inconclusive")


def test_missing_clips_enter_as_the_runs_declare(write: Write) -> None:
    old = write("old", clips_of("m", [9] * 10), missing="broken")
    new = write("new", with_gaps([9] * 10, 0, 1, 2, 3, 4), missing="broken")
    found = compare(old, new)
    assert (found.missing_rule, found.baseline.missing_rule, found.candidate.missing_rule) == ("broken",) * 3
    assert (found.frames.value, found.verdict) == (-4.5, "regression")
    assert "--missing" not in found.sentence
    assert found.notes[0].startswith(
        "Missing: 0 of the baseline's clips and 5 of the candidate's, counted as broken at once as declared"
    )
    overridden = compare(old, new, missing="left-out")
    assert (overridden.missing_rule, overridden.frames.value) == ("left-out", 0)
    assert overridden.sentence.endswith(
        "; missing clips left out with their partner by --missing, declared with the runs: counted as broken at once"
    )
    assert compare(old, new, missing="broken") == found  # what is declared anyway is no override


def test_runs_that_declare_two_rules_are_refused_until_one_is_chosen(write: Write) -> None:
    old, new = write("old", clips_of("m", [9] * 10)), write("new", clips_of("m", [9] * 10), missing="broken")
    with pytest.raises(FrameholdError, match=r"left out .* in the baseline and counted as broken .*--missing"):
        compare(old, new)
    chosen = compare(old, new, missing="broken")
    assert "by --missing, declared with the runs: left out with their partner and counted as broken" in chosen.sentence


def test_best_and_worst_case_are_told_whatever_the_verdict_and_none_where_none_is_missing(write: Write) -> None:
    """One of twenty missing: 9 more frames a clip, and a stand-in of 12 or 0 frames beside the baseline's 3."""
    old, new = write("old", clips_of("m", [3] * 20)), write("new", with_gaps([12 - 1] * 20, 7))
    found = compare(old, new)
    assert (found.verdict, found.frames.value) == ("pass", 8)
    best, worst = (19 * 8 + 9) / 20, (19 * 8 - 3) / 20
    assert found.notes[0].endswith(
        f"as good for the candidate as can be: {best:+.2f}, pass; as bad: {worst:+.2f}, pass."
    )
    assert compare(old, old).notes[0] == "No clip is missing: the verdict hangs on none."
    assert (
        "nothing is known of them"
        in compare(write("gap", with_gaps(STEADY, 3)), write("hole", with_gaps(STEADY, 3))).notes[0]
    )


def test_every_clip_of_the_candidate_is_missing(write: Write) -> None:
    old, new = write("old", clips_of("m", [9] * 10)), write("new", with_gaps([9] * 10, *range(10)))
    with pytest.raises(FrameholdError, match=r"new: all 10 clips of m are missing \(refused\); pass --missing broken"):
        compare(old, new)
    found = compare(old, new, missing="broken")
    assert (found.frames.baseline, found.frames.candidate, found.verdict) == (9, 0, "regression")
    assert (found.horizon_frames, found.metrics) == (12, {})
    assert found.by_cause["missing"].candidate == 12
    assert found.by_category["any"].candidate == 0
    pair = found.prompts_worse[0].clips[0]
    assert (pair.baseline_held, pair.candidate_held, pair.candidate_cause, pair.candidate_file) == (
        9,
        None,
        "missing",
        None,
    )
    with pytest.raises(FrameholdError, match="all 10 clips of m are missing"):
        compare(new, new, missing="broken")


def test_what_both_are_missing_broke_on_both_sides_where_missing_is_broken(write: Write) -> None:
    """Two of four prompts refused by both: 0 frames on either side, and half the difference of the others."""
    old, new = write("old", with_gaps([8, 8, 8, 8], 0, 1)), write("new", with_gaps([6, 6, 6, 6], 0, 1))
    assert compare(old, new).frames.value == -2
    found = compare(old, new, missing="broken")
    assert (found.frames.baseline, found.frames.candidate, found.frames.pairs) == (4, 3, 4)


def test_a_run_against_itself_passes_although_a_clip_of_it_is_missing(write: Write) -> None:
    gaps = write("gaps", with_gaps(STEADY, 2))
    assert compare(gaps, gaps).verdict == "pass"
    shorter = write("shorter", [clip for clip in clips_of("m", STEADY) if clip.prompt_id != "p0"])
    whole = write("whole", clips_of("m", STEADY))
    assert compare(whole, shorter, allow_different=True).verdict == "inconclusive"  # not every clip is the baseline's


# ---- lengths, rates, parts ---------------------------------------------------------------------------------------


def test_unequal_lengths_and_rates_are_handled_and_said(write: Write) -> None:
    old = write("old", clips_of("m", [None] * 12))
    new = write("new", clips_of("m", [None] * 11 + [20], frames=36, fps=12.0))
    found = compare(old, new)
    assert (found.horizon_frames, found.horizon_seconds) == (12, 0.5)
    assert found.frames.value == found.seconds.value == 0  # what broke at frame 20 held the first 12
    lengths, rates = (note for note in found.notes if note.startswith("The baseline"))
    assert lengths.startswith("The baseline's clips have 12 frames, the candidate's 36: compared over the first 12")
    assert rates.startswith("The baseline runs at 24 frames a second, the candidate at 12")


def test_the_verdict_may_be_in_seconds(write: Write) -> None:
    """Half the frames at half the rate is as long a time."""
    old = write("old", clips_of("m", [8] * 60))
    new = write("new", clips_of("m", [4] * 60, frames=12, fps=12.0))
    assert compare(old, new).verdict == "regression"
    in_seconds = compare(old, new, unit="seconds")
    assert in_seconds.verdict == "pass"
    assert in_seconds.seconds.value == pytest.approx(0)
    assert in_seconds.margin == pytest.approx(0.05 * 0.5)


def test_a_horizon_beyond_the_clips_is_cut_and_said(write: Write) -> None:
    run = write("run", clips_of("a", STEADY) + clips_of("b", STEADY))
    found = compare(f"{run}:a", f"{run}:b", horizon=99)
    assert found.horizon_frames == 12
    assert any("A horizon of 99 frames was asked for" in note for note in found.notes)
    assert compare(f"{run}:a", f"{run}:b", horizon=5).frames.baseline == 5


@pytest.mark.parametrize("horizon", [0, -3])
def test_a_horizon_that_is_none_is_refused(write: Write, horizon: int) -> None:
    run = write("run", clips_of("m", STEADY))
    with pytest.raises(FrameholdError, match=f"--horizon {horizon}: expected 1 frame or more"):
        compare(run, run, horizon=horizon)


def test_runs_with_two_horizons_say_so(write: Write) -> None:
    old, new = write("old", clips_of("m", STEADY), horizon=8), write("new", clips_of("m", WRECKED), horizon=12)
    found = compare(old, new)
    assert found.horizon_frames == 8
    assert "The runs state other horizons (8 frames and 12 frames): compared to 8 frames." in found.notes


@pytest.mark.parametrize("prompts", [1, 2])
def test_one_prompt_gives_no_interval_and_two_hardly_any(write: Write, prompts: int) -> None:
    found = compare(write("old", clips_of("m", [9] * prompts)), write("new", clips_of("m", [3] * prompts)))
    assert (found.verdict, found.exit_code, found.frames.value) == ("inconclusive", 3, -6)
    assert (found.frames.low is None) == (prompts == 1)
    assert (found.by_cause["residual_local"].low is None) == (prompts == 1)


def test_metrics_that_are_no_numbers_are_left_out(write: Write) -> None:
    nan = [replace(clip, metrics={"clip_score": float("nan"), "w": 0.5}) for clip in clips_of("m", STEADY)]
    some = [replace(clip, metrics={"clip_score": 0.25}) for clip in nan[:1]] + nan[1:]
    found = compare(write("old", some), write("new", nan))
    assert list(found.metrics) == ["w"]
    one = compare(write("a", some), write("b", [replace(nan[0], metrics={"clip_score": 0.5}), *nan[1:]]))
    assert (one.metrics["clip_score"].value, one.metrics["clip_score"].low) == (0.25, None)


def test_alignment_that_nobody_scored_is_said(write: Write) -> None:
    old, new = write("old", clips_of("m", STEADY)), write("new", clips_of("m", WRECKED))
    note = "Alignment to the prompt is not compared: neither run was scored with --clip."
    assert note in compare(old, new).notes
    both = [write(name, clips_of("m", STEADY), clip_model="ViT-B-32/laion2b_s34b_b79k") for name in ("a", "b")]
    assert note not in compare(*both).notes
    with pytest.raises(FrameholdError, match="differ in CLIP"):
        compare(old, both[0])


def test_runs_without_their_clips_are_compared_and_not_linked(write: Write) -> None:
    old, new = write("old", clips_of("m", STEADY)), write("new", clips_of("m", WRECKED))
    shutil.rmtree(Path(old) / "clips")
    found = compare(old, new)
    pair = found.prompts_worse[0].clips[0]
    assert (pair.baseline_file, Path(str(pair.candidate_file)).is_file()) == (None, True)
    assert f"{old} came without its clips: they are not linked." in found.notes


def test_a_row_that_leads_out_of_its_run_is_not_linked(write: Write, tmp_path: Path) -> None:
    old, new = write("old", clips_of("m", STEADY)), write("new", clips_of("m", WRECKED))
    (tmp_path / "secret.mp4").write_text("not of this run")
    run = RunFolder(new)
    rows = read_rows(run.clips_path)
    replace_rows(run.clips_path, [row | {"file": "../secret.mp4"} for row in rows])
    seal(run)
    assert {pair.candidate_file for prompt in compare(old, new).prompts_worse for pair in prompt.clips} == {None}


def test_a_run_that_cannot_be_written_to_is_compared(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new = write("old", clips_of("m", STEADY)), write("new", clips_of("m", WRECKED))
    before = sorted(Path(old).rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)
        found = compare(old, new)
    assert sorted(Path(old).rglob("*")) == before
    assert compare(old, new) == found


def test_categories_causes_and_metrics(write: Write) -> None:
    categories = {f"p{number}": "people" if number < 5 else "water" for number in range(10)}
    old = [replace(clip, metrics={"clip_score": 0.3, "warping_error": 0.1}) for clip in clips_of("m", STEADY)]
    new = [replace(clip, metrics={"clip_score": 0.2}, signal="surface_texture") for clip in clips_of("m", WRECKED)]
    found = compare(write("old", old, categories=categories), write("new", new, categories=categories))
    assert list(found.by_category) == ["people", "water"]
    assert set(found.by_cause) == {"residual_local", "surface_texture"}
    assert sum(each.value for each in found.by_cause.values()) == pytest.approx(-found.frames.value)
    assert list(found.metrics) == ["clip_score"]  # the candidate has no other
    assert found.metrics["clip_score"].value == pytest.approx(-0.1)
    worst = found.prompts_worse[0]
    assert worst.value == min(each.value for each in found.prompts_worse)
    assert all(pair.candidate_file and Path(pair.candidate_file).is_file() for pair in worst.clips)


def test_a_comparison_again_is_the_same_and_its_cache_changes_nothing(write: Write) -> None:
    old, new = write("old", clips_of("m", STEADY)), write("new", clips_of("m", WRECKED))
    first = compare(old, new)
    cached = list((Path(old) / "cache").glob("redrawn.*"))
    assert len(cached) == 1
    assert compare(old, new) == first
    cached[0].unlink()
    assert compare(old, new) == first


def test_a_run_without_a_suite_is_compared_by_its_prompts(write: Write) -> None:
    none = Suite("clips", 1, ())
    old = write("old", clips_of("m", STEADY), suite=none, source=Source("folder", {"path": "x"}))
    new = write("new", clips_of("m", WRECKED), suite=none)
    assert compare(old, new).verdict == "regression"
    other = write("other", clips_of("m", WRECKED)[:5], suite=none)
    with pytest.raises(FrameholdError, match="differ in prompts"):
        compare(old, other)


def test_where_seeds_mean_nothing_the_comparison_says_so() -> None:
    def side(model: str, seeded: str | None) -> Any:
        return SimpleNamespace(model=model, rows={("p", 1): SimpleNamespace(seeded=seeded)})

    assert _seeds(side("one", None), side("other", "exact")) == []
    (note,) = _seeds(side("runway/gen4.5", "exact"), side("fal/kling", "no"))
    assert note.startswith("Seeds mean nothing to fal/kling:")


def test_a_margin_that_nothing_can_exceed_is_refused(write: Write) -> None:
    run = write("run", clips_of("m", STEADY))
    with pytest.raises(FrameholdError, match="no difference can be larger than the horizon"):
        compare(run, run, margin="100%")
