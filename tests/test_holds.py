"""Holds: readings and evidence by hand, the alarm, the onset traced back from it, what a clip's length may not do."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.holds import (
    SLOWEST,
    Motion,
    displacement_by_frame,
    distinct_rate,
    evidence,
    find_hold,
    is_static,
    judge,
    motion,
    rate_class,
    reading,
)
from bench.records import Curve, Hold, Moves, Region
from tests.factory import curve, detector, from_logs
from tests.factory import rate_class as rule

NAN = math.nan
E = math.e


def moving(frames: int, every: int = 1, pixels: float = 2.0) -> Curve:
    """Displacement of a clip that shows a new picture every so many frames."""
    shown = tuple(range(every, frames, every))
    return Curve("displacement", shown, (pixels,) * len(shown))


# ---- reading -----------------------------------------------------------------------------------------------------


def test_a_level_is_the_log_of_value_and_floor_at_its_own_frame() -> None:
    values = reading(Curve("flow", (1, 3), (0.0, E**2 - 0.5)), 5, "level", 0.5)
    assert values == pytest.approx([NAN, math.log(0.5), NAN, 2.0, NAN], nan_ok=True)


def test_a_jump_is_held_against_the_median_of_its_past_and_counts_in_proportion_at_first() -> None:
    # logs 1, 4, 0, 2, 6: the second has one value before it (a third counts), the third two, the fourth three
    jumps = reading(from_logs("flow", [1, 4, 0, 2, 6]), 6, "jump", 1.0)
    expected = [NAN, NAN, (4 - 1) / 3, (0 - 2.5) * 2 / 3, 2 - 1, 6 - 1.5]
    assert jumps == pytest.approx(expected, nan_ok=True)


def test_a_jump_forgets_what_is_more_than_eight_steps_old() -> None:
    # Of the nine values before the last, the first (of 9) is forgotten: the median of 0 0 0 0 5 5 5 5 is 2.5.
    jumps = reading(from_logs("flow", [9, 0, 0, 0, 0, 5, 5, 5, 5, 7]), 11, "jump", 1.0)
    assert jumps[10] == pytest.approx(7 - 2.5)


def test_a_jump_passes_over_what_says_nothing() -> None:
    values = [E - 1, NAN, E - 1, NAN, E**3 - 1]
    jumps = reading(curve("flow", values), 6, "jump", 1.0)
    # frame 2 and 4 say nothing; frame 3 has one value before it, frame 5 has two
    assert jumps == pytest.approx([NAN, NAN, NAN, 0.0, NAN, (3 - 1) * 2 / 3], nan_ok=True)


def test_nothing_is_more_consistent_than_consistent() -> None:
    # A similarity to the prompt that rises gives a loss below 0, even below -floor, where there is no logarithm.
    assert reading(curve("alignment_loss", [-0.3, 0.0]), 3, "level", 0.05)[1:] == pytest.approx([math.log(0.05)] * 2)


@pytest.mark.parametrize("mode", ["level", "jump"])
def test_a_reading_never_depends_on_what_comes_after(mode: str) -> None:
    values = np.random.default_rng(0).gamma(2, 1, 30).tolist()
    whole = reading(curve("flow", values), 31, mode, 0.5)  # type: ignore[arg-type]
    for length in (1, 2, 5, 20):
        part = reading(curve("flow", values[:length]), length + 1, mode, 0.5)  # type: ignore[arg-type]
        assert part.tolist() == pytest.approx(whole[: length + 1].tolist(), nan_ok=True, abs=0)


def test_motion_lasts_until_the_next_step() -> None:
    steps = {"displacement": Curve("displacement", (2, 4), (3.0, 5.0))}
    assert displacement_by_frame(steps, 6).tolist() == [0, 0, 3, 3, 5, 5]
    assert displacement_by_frame({}, 2).tolist() == [0, 0]


# ---- evidence ----------------------------------------------------------------------------------------------------


def test_evidence_of_one_detector_by_hand() -> None:
    measure = detector("flow", medians=(1.0,), spreads=(0.5,), tail=4.0)
    table = evidence({"flow": from_logs("flow", [1, 3, 0])}, 4, [measure])
    # (reading - 1) / 0.5 / 4; nothing is said of frame 0
    assert table.values.tolist()[0] == pytest.approx([-math.inf, 0.0, 1.0, -0.5])
    assert table.largest == pytest.approx(1.0)


def test_evidence_is_standardised_within_the_bin_of_the_motion() -> None:
    measure = detector("flow", edges=(1.0, 3.0), medians=(0.0, 1.0, 2.0), spreads=(1.0, 2.0, 4.0), tail=2.0)
    curves = {
        "flow": from_logs("flow", [4, 4, 4, 4]),
        "displacement": curve("displacement", [0.9, 1.0, 2.9, 3.0]),  # an edge belongs to the bin above it
    }
    # (4 - 0) / 1 / 2, twice (4 - 1) / 2 / 2, (4 - 2) / 4 / 2
    assert evidence(curves, 5, [measure]).values[0, 1:] == pytest.approx([2.0, 0.75, 0.75, 0.25])


def test_a_detector_whose_signal_was_not_measured_is_left_out() -> None:
    flow, alignment = detector("flow"), detector("alignment_loss")
    table = evidence({"flow": from_logs("flow", [1])}, 2, [alignment, flow])
    assert table.detectors == (flow,)
    assert table.values.shape == (1, 2)
    with pytest.raises(ValueError, match="no calibrated signal"):
        evidence({"flow": from_logs("flow", [1])}, 2, [alignment])


def test_what_says_nothing_is_no_evidence_against() -> None:
    table = evidence({"flow": Curve("flow", (), ())}, 3, [detector("flow")])
    assert (table.values == -math.inf).all()
    assert table.largest == 0.0
    assert evidence({"flow": curve("flow", [NAN, NAN])}, 3, [detector("flow")]).largest == 0.0


# ---- the alarm, the onset, the region ----------------------------------------------------------------------------


def held(logs: list[float], threshold: float = 2.0) -> Hold:
    curves = {"flow": from_logs("flow", logs)}
    return find_hold(curves, evidence(curves, len(logs) + 1, [detector("flow")]), threshold)


def test_the_first_frame_over_the_threshold_raises_the_alarm() -> None:
    hold = held([0, 0, 0, 5, 0, 9])
    assert (hold.alarm_frame, hold.onset_frame, hold.held_frames, hold.broke, hold.cause) == (4, 4, 4, True, "flow")
    assert hold.evidence == pytest.approx(4.5)  # of the whole clip: 9 / 2


def test_as_much_as_the_threshold_is_not_over_it() -> None:
    # In real footage the threshold is one of the scores: the source that set it must not raise an alarm.
    curves = {"flow": curve("flow", [0.0, 3.0])}
    table = evidence(curves, 3, [detector("flow", floor=1.0)])
    assert not find_hold(curves, table, float(table.largest)).broke
    assert find_hold(curves, table, float(np.nextafter(table.largest, 0))).broke


def test_a_detector_with_a_threshold_of_its_own_is_held_against_that() -> None:
    # flow: 3 of a threshold of 2; alignment: 0.4 of its own 0.5, then 0.6. Both count in multiples of their threshold.
    curves = {
        "flow": from_logs("flow", [0, 0, 0, 0, 3]),
        "alignment_loss": from_logs("alignment_loss", [0, 0.4, 0.2, 0.6, 0.6]),
    }
    detectors = [detector("flow"), detector("alignment_loss", threshold=0.5)]
    table = evidence(curves, 6, detectors)
    assert table.against(2.0).values[:, 5].tolist() == pytest.approx([1.5, 1.2])
    hold = find_hold(curves, table, 2.0)
    # 0.2 at frame 3 is less than half of 0.5
    assert (hold.alarm_frame, hold.onset_frame, hold.cause) == (4, 4, "alignment_loss")
    assert hold.evidence == pytest.approx(1.5)
    # Another threshold of the class does not move it.
    higher = find_hold(curves, table, 100.0)
    assert higher.alarm_frame == 4
    assert higher.evidence == pytest.approx(1.2)
    judged = judge(curves, 6, 24.0, "none", [rule(*detectors, threshold=2.0)], thresholds=[(1.0, 100.0)])
    assert judged.redrawn == ((4, True), (4, True))
    assert [signal for _, _, signal in judged.evidence][3:] == ["alignment_loss", "flow"]


def test_a_detector_says_nothing_of_clips_too_short_for_it() -> None:
    curves = {"flow": from_logs("flow", [0, 0, 0, 0]), "alignment_loss": from_logs("alignment_loss", [0, 0, 1, 1])}
    detectors = [detector("flow"), detector("alignment_loss", threshold=0.5, least_seconds=2.0)]
    # five frames last 2 seconds at 2.5 a second and, to half a frame, at 2.7; less at 2.8
    enough, nearly, too_short = (judge(curves, 5, fps, "none", [rule(*detectors)]) for fps in (2.5, 2.7, 2.8))
    assert nearly.hold == enough.hold
    assert (enough.hold.onset_frame, enough.hold.cause) == (3, "alignment_loss")
    assert not too_short.hold.broke
    assert {signal for _, _, signal in too_short.evidence} == {"flow"}


def test_a_clip_without_an_alarm_held_all_its_frames() -> None:
    hold = held([0, 1, 1.9])
    assert hold == Hold(4, False, evidence=hold.evidence)
    assert hold.evidence == pytest.approx(0.95)


def test_the_onset_is_where_the_excursion_left_half_the_threshold() -> None:
    #        frame   1    2    3    4    5    6
    assert held([1.5, 0.9, 1.1, 1.6, 1.9, 2.5]).onset_frame == 3  # frame 2 is at or under 1.0, frame 1 before it
    assert held([0.0, 1.0, 1.1, 2.5]).onset_frame == 3  # exactly half ends it
    assert held([0.0, 0.0, 0.0, 2.5]).onset_frame == 4
    assert held([1.1, 1.2, 1.3, 2.5]).onset_frame == 1  # the first frame is never the onset: it is what a clip began as


def test_frames_without_a_reading_are_passed_over_on_the_way_back() -> None:
    on_threes = Curve("flow", (3, 6, 9, 12), tuple(math.exp(log) - 1 for log in (0.2, 1.5, 1.8, 2.5)))
    curves = {"flow": on_threes}
    hold = find_hold(curves, evidence(curves, 14, [detector("flow")]), 2.0)
    assert (hold.alarm_frame, hold.onset_frame) == (12, 6)


def test_the_strongest_evidence_at_the_alarm_is_the_cause_and_its_own_excursion_is_traced() -> None:
    curves = {
        "flow": from_logs("flow", [0, 1.9, 1.9, 2.5]),
        "freeze": from_logs("freeze", [0, 0, 0, 2.6]),
    }
    table = evidence(curves, 5, [detector("flow"), detector("freeze")])
    hold = find_hold(curves, table, 2.0)
    assert (hold.cause, hold.onset_frame, hold.alarm_frame) == ("freeze", 4, 4)


def test_the_region_is_that_of_the_cause_at_the_alarm() -> None:
    regions = [Region(0, 0, 0.1, 0.1), Region(0.2, 0.2, 0.1, 0.1), Region(0.5, 0.5, 0.1, 0.1)]
    curves = {"flow": from_logs("flow", [1.5, 1.6, 2.5], regions=regions)}
    hold = find_hold(curves, evidence(curves, 4, [detector("flow")]), 2.0)
    assert (hold.onset_frame, hold.region) == (1, regions[2])
    assert held([0, 0, 5]).region is None  # a signal of the whole picture


def test_frames_beyond_the_first_alarm_do_not_count() -> None:
    logs = [0, 0.5, 1.2, 2.2, 0, 7, 0]
    for cut in range(4, len(logs) + 1):
        hold = held(logs[:cut])
        assert (hold.held_frames, hold.alarm_frame) == (3, 4)
    assert (held(logs[:3]).held_frames, held(logs[:3]).broke) == (4, False)


@pytest.mark.parametrize("seed", range(20))
def test_a_higher_threshold_never_alarms_earlier(seed: int) -> None:
    rng = np.random.default_rng(seed)
    curves = {name: from_logs(name, rng.normal(0, 1, 30).tolist()) for name in ("flow", "freeze")}
    table = evidence(curves, 31, [detector("flow"), detector("freeze", "jump")])
    alarms = [find_hold(curves, table, threshold).alarm_frame for threshold in np.arange(0.5, 4.0, 0.1)]
    frames = [math.inf if alarm is None else alarm for alarm in alarms]
    assert frames == sorted(frames)
    assert math.inf in frames
    assert frames[0] < 10


# ---- motion, static clips, rates ---------------------------------------------------------------------------------


def test_motion_is_the_path_in_picture_sizes_a_second() -> None:
    curves = {
        "subject_motion": curve("subject_motion", [128.0, 128.0]),
        "camera_motion": curve("camera_motion", [64.0, 0.0]),
        "displacement": curve("displacement", [256.0, 256.0]),
    }
    assert motion(curves, 2.0) == Motion(subject=0.5, camera=0.125, picture=1.0)
    assert motion(curves, 0.0) == motion({}, 2.0) == Motion(0, 0, 0)


def test_two_frames_are_one_step_apart() -> None:
    # At 4 frames a second the step of 64 pixels, a quarter of the picture, takes a quarter of a second.
    curves = {"flow": from_logs("flow", [0]), "subject_motion": curve("subject_motion", [64.0])}
    assert judge(curves, 2, 4.0, "subject", [rule(detector("flow"))]).motion.subject == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("moves", "moved", "static"),
    [
        ("subject", Motion(subject=0.9, camera=9, picture=9), True),  # a slow pan over a still earns nothing
        ("subject", Motion(subject=1.0, camera=0, picture=0), False),
        ("scene", Motion(subject=0.9, camera=9, picture=9), True),
        ("scene", Motion(subject=1.0, camera=0, picture=0), False),
        ("camera", Motion(subject=9, camera=9, picture=1.9), True),
        ("camera", Motion(subject=0, camera=0, picture=2.0), False),
        ("none", Motion(0, 0, 0), False),
    ],
)
def test_a_clip_is_static_when_what_must_move_does_not(moves: Moves, moved: Motion, static: bool) -> None:
    assert is_static(moved, moves, rule(detector("flow"), still_subject=1.0, still_picture=2.0)) is static


def test_a_static_clip_held_one_frame_whatever_else_it_did() -> None:
    curves = {"flow": from_logs("flow", [0, 0, 5]), "subject_motion": curve("subject_motion", [1.0, 1.0, 1.0])}
    still = rule(detector("flow"), still_subject=1.0)
    hold = judge(curves, 4, 24.0, "subject", [still]).hold
    assert (hold.held_frames, hold.broke, hold.cause, hold.onset_frame, hold.alarm_frame) == (
        1,
        True,
        "static",
        1,
        None,
    )
    assert judge(curves, 4, 24.0, "none", [still]).hold.alarm_frame == 3


@pytest.mark.parametrize(
    ("shown", "rate"),
    [
        (range(1, 24), 24.0),  # a new picture each frame
        (range(2, 24, 2), 12.0),  # on twos
        (range(6, 24, 6), 4.0),
        (range(1, 6), 24.0),  # frozen from frame 6 on: a break, and no other rate
        ((1, 2, 3, 4, 6, 7, 8, 9, 11, 12), 24.0),  # every fifth is a repeat
        ((1, 3, 4, 6, 7, 9, 10, 12), 16.0),  # 24 from 16: gaps of 1 and 2 by turns
    ],
)
def test_the_rate_is_that_of_the_usual_hold(shown: range, rate: float) -> None:
    curves = {"displacement": Curve("displacement", tuple(shown), (1.0,) * len(shown))}
    assert distinct_rate(curves, 24.0) == pytest.approx(rate)


@pytest.mark.parametrize("steps", [{}, {"displacement": Curve("displacement", (), ())}])
def test_a_clip_that_never_moves_has_the_rate_of_its_container(steps: dict[str, Curve]) -> None:
    assert distinct_rate(steps, 8.0) == 8.0
    assert distinct_rate(steps, 0.0) == SLOWEST  # a single frame has none


def test_the_nearest_rate_is_so_by_ratio() -> None:
    classes = [rule(detector("flow"), fps=fps) for fps in (24.0, 12.0, 8.0, 4.0)]
    # 12 and 24 part at sqrt(12 x 24) = 16.97, not at 18; 4 and 8 at 5.66
    for rate, fps in ((60, 24), (17, 24), (16.9, 12), (9.9, 12), (9.7, 8), (5.7, 8), (5.6, 4), (0.1, 4)):
        assert classes[rate_class(classes, rate)].fps == fps


def test_a_clip_is_judged_by_the_class_of_its_distinct_frames() -> None:
    curves = {"flow": Curve("flow", (2, 4, 6), (E**2.5 - 1,) * 3), "displacement": moving(8, every=2)}
    classes = [rule(detector("flow"), fps=24.0, threshold=1.0), rule(detector("flow"), fps=12.0, threshold=5.0)]
    verdict = judge(curves, 8, 24.0, "none", classes)
    assert (verdict.rate, verdict.rate_ratio, verdict.hold.broke) == (1, 1.0, False)
    assert verdict.hold.evidence == pytest.approx(0.5)


# ---- the whole judgement -----------------------------------------------------------------------------------------


def test_other_thresholds_are_judged_beside_by_the_class_that_judges() -> None:
    curves = {"flow": from_logs("flow", [0, 0.9, 3.0]), "displacement": moving(4)}
    classes = [rule(detector("flow"), fps=24.0), rule(detector("flow"), fps=4.0)]
    verdict = judge(curves, 4, 24.0, "none", classes, thresholds=[(0.8, 2.0, 4.0), (9.0,)])
    assert verdict.redrawn == ((2, True), (3, True), (4, False))
    assert judge(curves, 4, 4.0, "none", classes, thresholds=[(1.0,), (9.0,)]).redrawn == ((4, False),)
    assert judge(curves, 4, 24.0, "none", classes).redrawn == ()


def test_evidence_is_told_frame_by_frame_as_a_multiple_of_the_threshold() -> None:
    curves = {
        "flow": Curve("flow", (1, 3), (E**1.0 - 1, E**4.0 - 1)),
        "freeze": Curve("freeze", (1, 3), (E**2.0 - 1, E**3.0 - 1)),
        "displacement": moving(4),
    }
    below = detector("below", medians=(9.0,))
    curves["below"] = curve("below", [0.0], first=2)
    verdict = judge(curves, 4, 24.0, "none", [rule(detector("flow"), detector("freeze"), below)])
    # frame 0 has no reading; what is less than usual counts as 0
    assert [point[::2] for point in verdict.evidence] == [(1, "freeze"), (2, "below"), (3, "flow")]
    assert [point[1] for point in verdict.evidence] == pytest.approx([1.0, 0.0, 2.0])


def test_below_the_threshold_what_several_signals_say_adds_up() -> None:
    # of a threshold of 2: half and half; three quarters alone; half beside what says less than usual
    curves = {"flow": from_logs("flow", [1.0, 1.5, 1.0]), "freeze": from_logs("freeze", [1.0, 0.0, 0.0])}
    detectors = [detector("flow"), detector("freeze", medians=(0.0,))]
    hold = find_hold(curves, evidence(curves, 4, detectors), 2.0)
    assert not hold.broke
    assert hold.evidence == pytest.approx(0.75)
    first = {name: Curve(name, (1,), (each.values[0],)) for name, each in curves.items()}
    together = find_hold(first, evidence(first, 2, detectors), 2.0)
    assert together.evidence == pytest.approx((0.5 + 0.5) / (0.5 + 0.5 + 1 - 0.5))


def test_what_only_adds_ranks_clips_and_raises_no_alarm() -> None:
    # of a threshold of 2: a quarter by what decides; by what adds, with weight 2, a half, then five times the threshold
    curves = {"flow": from_logs("flow", [0.5, 0.5, -1.0]), "lag": from_logs("lag", [1.0, 10.0, 1.0])}
    adding = replace(detector("lag"), decides=False, adds=2.0)
    verdict = judge(curves, 4, 24.0, "none", [rule(detector("flow"), adding)])
    assert not verdict.hold.broke
    shares = [(0.25 + 2 * 0.5) / (0.25 + 2 * 0.5 + 0.75), (0.25 + 2 * 3) / (0.25 + 2 * 3 + 0.75), 1.0 / (1.0 + 1.0)]
    assert [share for _, share, _ in verdict.evidence] == pytest.approx(shares)
    assert {signal for _, _, signal in verdict.evidence} == {"flow"}
    assert verdict.peak == (2, "flow")
    assert judge({"flow": curves["flow"]}, 4, 24.0, "none", [rule(detector("flow"))]).hold.evidence == 0.25


@pytest.mark.parametrize("seed", range(5))
def test_evidence_is_over_one_exactly_where_there_is_an_alarm_and_grows_with_every_signal(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ("flow", "freeze", "melt")
    curves = {name: from_logs(name, rng.normal(0.6, 0.6, 12).tolist()) for name in names}
    detectors = [detector(name) for name in names]
    for threshold in (0.5, 1.5, 3.0):
        table = evidence(curves, 13, detectors)
        hold = find_hold(curves, table, threshold)
        assert (hold.evidence > 1) == hold.broke
        more = evidence(curves | {"melt": from_logs("melt", rng.normal(2, 0.1, 12).tolist())}, 13, detectors)
        louder = np.maximum(table.values, more.values)
        assert (table._replace(values=louder).against(threshold).combined >= table.against(threshold).combined).all()


def test_one_frame_holds_and_says_nothing() -> None:
    curves = {"flow": Curve("flow", (), ()), "standstill": curve("standstill", [0.0], first=0)}
    verdict = judge(curves, 1, 0.0, "none", [rule(detector("flow"), detector("standstill"))])
    assert (verdict.hold, verdict.motion) == (Hold(1, False), Motion(0, 0, 0))
    assert verdict.evidence == ((0, 0.0, "standstill"),)


def test_one_frame_that_should_move_is_static() -> None:
    curves = {"standstill": curve("standstill", [0.0], first=0)}
    hold = judge(curves, 1, 0.0, "subject", [rule(detector("standstill"), still_subject=0.1)]).hold
    assert (hold.held_frames, hold.broke, hold.cause) == (1, True, "static")


@pytest.mark.parametrize("seed", range(10))
def test_appending_frames_changes_neither_alarm_nor_onset(seed: int) -> None:
    """Of a clip on ones that moves enough: cut anywhere after its alarm it gives the same hold, before it none."""
    rng = np.random.default_rng(seed)
    frames = 60
    logs = rng.normal(0, 0.6, (2, frames - 1))
    logs[:, 25:] += 1.5
    rates = [rule(detector("flow", edges=(2.0,), medians=(0.0, 0.2), spreads=(1.0, 0.8)), detector("freeze", "jump"))]

    def verdict(length: int) -> Hold:
        curves = {
            name: from_logs(name, row[: length - 1].tolist())
            for name, row in zip(("flow", "freeze"), logs, strict=True)
        }
        curves["displacement"] = curve("displacement", rng_steps[: length - 1])
        return judge(curves, length, 24.0, "none", rates).hold

    rng_steps = rng.gamma(2, 1, frames - 1).tolist()
    whole = verdict(frames)
    assert whole.alarm_frame is not None
    for length in range(2, frames):
        hold = verdict(length)
        if length > whole.alarm_frame:
            assert replace(hold, evidence=whole.evidence) == whole
        else:
            assert (hold.broke, hold.held_frames) == (False, length)


# ---- slideshows --------------------------------------------------------------------------------------------------


def slides(frames: int, every: int, moved: float = 9.0) -> dict[str, Curve]:
    """A clip that shows each picture `every` times and is otherwise never suspicious."""
    shown = tuple(range(every, frames, every))
    return {
        "flow": Curve("flow", shown, (0.0,) * len(shown)),
        "displacement": Curve("displacement", shown, (moved,) * len(shown)),
        "subject_motion": Curve("subject_motion", shown, (moved,) * len(shown)),
    }


@pytest.mark.parametrize(("every", "held"), [(1, 48), (2, 48), (5, 48), (6, 48), (7, 7), (8, 6), (24, 2)])
def test_pictures_shown_more_slowly_than_any_footage_count_once_each(every: int, held: int) -> None:
    # The slowest class has 4 frames a second: at 24, six times each is just footage, seven times are slides.
    classes = [rule(detector("flow")), rule(detector("flow"), fps=4.0)]
    hold = judge(slides(48, every), 48, 24.0, "subject", classes).hold
    assert hold.held_frames == held
    assert (hold.broke, hold.cause) == ((True, "static") if held < 48 else (False, None))


def test_a_slow_clip_without_repeats_is_no_slideshow() -> None:
    classes = [rule(detector("flow"), fps=4.0)]
    assert judge(slides(12, 1), 12, 2.0, "subject", classes).hold.held_frames == 12


def test_a_still_that_was_asked_for_may_be_shown_as_slides() -> None:
    classes = [rule(detector("flow"), fps=4.0)]
    assert judge(slides(48, 12), 48, 24.0, "none", classes).hold.held_frames == 48


def from_shares(
    shares: list[float], older: list[float] | None = None, logs: list[float] | None = None, **fields: float
) -> Hold:
    """A clip by the share without a match and by how much nearer it is to an older frame, of each step."""
    curves = {
        "flow": from_logs("flow", logs or [0.0] * len(shares)),
        "unmatched": curve("unmatched", shares),
        "going_back": curve("going_back", older or [0.3] * len(shares)),
    }
    return judge(curves, len(shares) + 1, 24.0, "none", [rule(detector("flow"), **fields)]).hold


@pytest.mark.parametrize(
    ("shares", "older", "held"),
    [
        ([0.9] * 12, None, 1),
        ([0.9] * 12, [0.0] * 12, 13),  # fast, but nearest to the frame before
        ([0.5] * 12, None, 13),  # to and fro, but with a match
        ([0.1] * 2 + [0.9] * 10, None, 1),  # of the first two steps nothing can be said
        ([0.9] * 12, [0.0, 0.0] + [0.3] * 10, 1),
        ([0.1] * 7 + [0.9] * 5, None, 13),  # it goes on for a while, and then others must say where it breaks
        ([0.9] * 4, None, 5),  # too few
        ([0.9] * 5, None, 1),
        ([math.nan] * 7 + [0.9] * 5, None, 1),
    ],
)
def test_a_clip_whose_frames_do_not_go_on_from_one_another_held_one(
    shares: list[float], older: list[float] | None, held: int
) -> None:
    hold = from_shares(shares, older, unlinked=0.6)
    assert (hold.held_frames, hold.broke) == (held, held == 1)
    if held == 1:
        assert (hold.onset_frame, hold.alarm_frame, hold.cause) == (1, 1, "unmatched")
        assert hold.evidence == pytest.approx(0.9 / 0.6)


@pytest.mark.parametrize(("onset", "alone"), [(4, 1), (9, 10), (30, 41)])
def test_what_comes_after_a_break_is_no_reason_to_say_that_nothing_went_on_before(onset: int, alone: int) -> None:
    # As after a flicker: every frame is nearer to the one before the last, and the light leaves nothing with a match.
    after = 40 - onset
    shares, older = [0.02] * onset + [0.95] * after, [0.0] * onset + [0.4] * after
    logs = [0.0] * (onset - 1) + [9.0] + [0.0] * after
    hold = from_shares(shares, older, logs, unlinked=0.3)
    assert (hold.held_frames, hold.cause) == (onset, "flow")
    assert from_shares(shares, older, unlinked=0.3).held_frames == alone


@pytest.mark.parametrize("opening", [10, 12, 20])
def test_what_goes_on_at_first_is_held_until_nothing_does_any_more(opening: int) -> None:
    hold = from_shares([0.02] * opening + [0.9] * 30, [0.0] * opening + [0.4] * 30, unlinked=0.3)
    assert hold.cause == "unmatched"
    assert hold.held_frames == opening + 1  # the first frame that does not go on


def test_an_alarm_late_in_a_clip_whose_frames_never_went_on_does_not_save_it() -> None:
    logs = [0.0] * 20 + [9.0] + [0.0] * 10
    assert from_shares([0.9] * 31, None, logs, unlinked=0.3).held_frames == 1


def test_without_a_limit_from_real_footage_no_clip_is_unlinked() -> None:
    assert from_shares([1.0] * 12).broke is False
