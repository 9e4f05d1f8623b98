"""Each provider's real SDK against its stand-in: what goes out, what comes back, and every fault on the way."""

from __future__ import annotations

import hashlib
import json
import logging
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.backends.hosted.jobs import Order
from bench.backends.hosted.ledger import FILE_NAME
from bench.records import ClipRow, FrameholdError
from bench.video import read_frames
from tests.backends.hosted.runs import ledger_of, prompts_of, run_of, spec_for
from tests.backends.hosted.stand_in import (
    DOWNLOAD_FAULTS,
    FRAMES,
    KEY,
    LOOK_FAULTS,
    LOST,
    STAND_INS,
    TURNED_AWAY,
    StandIn,
    movie,
    pictures,
)

ONE = prompts_of(1)


def only(rows: list[ClipRow]) -> ClipRow:
    assert len(rows) == 1
    return rows[0]


def submits(stand_in: StandIn) -> int:
    """Requests that ask for a job."""
    looks = ("fetchPredictOperation", "/status", "/result")
    return sum(verb == "POST" and not any(word in path for word in looks) for verb, path, _ in stand_in.asked)


# ---- the straight way ----------------------------------------------------------------------------------------------


def test_a_clip_is_asked_for_once_and_brought_home(provider: StandIn, tmp_path: Path) -> None:
    provider.looks = 2
    row = only(run_of(tmp_path / "run", spec_for(provider, ONE)))
    (job,) = provider.jobs.values()
    assert row.missing is None
    assert submits(provider) == 1
    assert row.file is not None
    assert row.facts["job"].endswith(job.id)
    assert row.facts["download_sha256"] == hashlib.sha256(provider.content(job)).hexdigest()
    assert row.facts["provider_model"] in row.model
    assert row.facts["sdk"].split()[1][0].isdigit()
    assert row.facts["arguments"]["prompt" if "promptText" not in row.facts["arguments"] else "promptText"] == ONE[0]
    assert row.seeded == ("similar" if "seed" in json.dumps(job.body) else "no")
    assert row.cost_usd == {"runway/gen4.5": 1.0, "google-video/veo-3.1-generate-001": 1.6}.get(row.model, 1.0)
    assert row.facts["charge"] == ("reported" if row.model.startswith("runway") else "price of the table")
    frames = [frame.picture for frame in read_frames(tmp_path / "run" / row.file)]
    assert len(frames) == row.facts["frames"]
    assert not (tmp_path / "run" / "downloads").exists()


def test_done_is_done(provider: StandIn, tmp_path: Path) -> None:
    spec = spec_for(provider, ONE)
    first = run_of(tmp_path / "run", spec)
    asked = len(provider.asked)
    assert run_of(tmp_path / "run", spec) == first
    assert len(provider.asked) == asked


def test_runway_frames_stay_lossless(runway: StandIn, tmp_path: Path) -> None:
    row = only(run_of(tmp_path / "run", spec_for(runway, ONE, seconds=2)))
    assert row.file is not None
    assert row.file.endswith(".avi")
    assert row.preview is not None
    (job,) = runway.jobs.values()
    (tmp_path / "there").mkdir()
    from bench.backends.hosted.download import unpack_frames

    (tmp_path / "there.zip").write_bytes(runway.content(job))
    unpack_frames(tmp_path / "there.zip", tmp_path / "there")
    stored = [frame.picture.tobytes() for frame in read_frames(tmp_path / "run" / row.file)]
    assert stored == [frame.picture.tobytes() for frame in read_frames(tmp_path / "there")]
    assert len(stored) == 2 * FRAMES
    assert runway.content(job) in {pictures(variant) for variant in range(3)}


def test_runway_can_be_asked_for_mp4_which_stays_as_it_came(runway: StandIn, tmp_path: Path) -> None:
    row = only(run_of(tmp_path / "run", spec_for(runway, ONE, arguments={"outputFormat": "mp4"})))
    assert row.file is not None
    assert (tmp_path / "run" / row.file).read_bytes() in {movie(variant) for variant in range(3)}


def test_the_five_words_work_without_a_ledger(provider: StandIn) -> None:
    from bench.backends import open_backend

    spec = spec_for(provider, ONE)
    source = spec.sources[0]
    backend = open_backend(source.backend, source.options)
    (request,) = backend.plan(spec.suite, source.models).requests
    clip = backend.fetch(request, backend.submit(request))
    assert clip.facts["frames"] == (2 * FRAMES if provider.model.startswith("runway") else FRAMES)
    backend.close()


# ---- submits that fail ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_lost_answer_is_reported_and_not_asked_for_again(provider: StandIn, tmp_path: Path) -> None:
    """Every way to lose one, with a good answer after each: three bad ones in a row would end the run."""
    prompts = prompts_of(2 * len(LOST))
    provider.weather.lined_up["submit"].extend(fault for lost in LOST for fault in (lost, ""))
    spec = spec_for(provider, prompts, concurrency=1, request_seconds=1.0)
    rows = run_of(tmp_path / "run", spec)
    lost = [row for row in rows if row.missing]
    assert [row.prompt for row in lost] == list(prompts[::2])
    assert all("unknown: asked for" in str(row.missing) and "--resubmit" in str(row.missing) for row in lost)
    assert submits(provider) == len(provider.jobs) == len(prompts)  # the SDK did not try again either
    assert ledger_of(tmp_path / "run").committed_usd() >= len(prompts)  # they may have been charged
    assert run_of(tmp_path / "run", spec)[0].missing == lost[0].missing
    assert submits(provider) == len(prompts)
    ids = [row.clip_id for row in lost]
    assert ledger_of(tmp_path / "run").allow_again(ids[:2]) == ids[:2]
    done = run_of(tmp_path / "run", spec)
    assert [row.prompt for row in done if row.missing] == list(prompts[4::2])
    assert (submits(provider), done[0].facts["submits"]) == (len(prompts) + 2, 2)


def test_a_submit_that_was_turned_away_is_tried_again(provider: StandIn, tmp_path: Path) -> None:
    provider.weather.lined_up["submit"].extend([*TURNED_AWAY, *TURNED_AWAY])
    row = only(run_of(tmp_path / "run", spec_for(provider, ONE)))
    assert (row.missing, submits(provider), len(provider.jobs)) == (None, 2 * len(TURNED_AWAY) + 1, 1)


def test_a_provider_that_turns_everybody_away_ends_the_run(provider: StandIn, tmp_path: Path) -> None:
    provider.weather.lined_up["submit"].extend(["429"] * 9)
    spec = spec_for(provider, prompts_of(3), attempts=3, concurrency=1)
    with pytest.raises(FrameholdError, match=r"for 3 submits.*run again later"):
        run_of(tmp_path / "run", spec)
    assert (submits(provider), len(provider.jobs)) == (3, 0)


def test_nobody_there_is_no_lost_answer(tmp_path: Path) -> None:
    with STAND_INS["runway"]().open() as gone:
        spec = spec_for(gone, ONE, attempts=2)
    with pytest.raises(FrameholdError, match=r"cannot be reached \(ConnectError\)"):
        run_of(tmp_path / "run", spec)
    account = ledger_of(tmp_path / "run").accounts()[0]
    assert (account.standing, account.usd) == ("open", 0.0)


def test_three_lost_answers_in_a_row_are_enough(runway: StandIn, tmp_path: Path) -> None:
    runway.weather.lined_up["submit"].extend(["500"] * 9)
    with pytest.raises(FrameholdError, match="answers to 3 submits in a row were lost"):
        run_of(tmp_path / "run", spec_for(runway, prompts_of(9), concurrency=1))
    assert len(runway.jobs) == 3


@pytest.mark.parametrize(("status", "words"), [("401", "does not accept the key"), ("402", "no money left")])
def test_what_would_fail_all_ends_the_run_at_once(provider: StandIn, tmp_path: Path, status: str, words: str) -> None:
    provider.weather.lined_up["submit"].extend([status] * 9)
    with pytest.raises(FrameholdError, match=words) as caught:
        run_of(tmp_path / "run", spec_for(provider, prompts_of(5), concurrency=1))
    assert KEY not in str(caught.value)
    assert (submits(provider), len(provider.jobs)) == (1, 0)


def test_what_no_api_takes_costs_nothing_and_may_be_asked_again(provider: StandIn, tmp_path: Path) -> None:
    provider.weather.lined_up["submit"].append("400")
    row = only(run_of(tmp_path / "run", spec_for(provider, ONE)))
    assert row.missing is not None
    assert row.missing.startswith("rejected, nothing was made")
    assert (row.refused, ledger_of(tmp_path / "run").committed_usd()) == (None, 0.0)
    assert only(run_of(tmp_path / "run", spec_for(provider, ONE))).missing is None


@pytest.mark.parametrize("at_submit", [True, False])
def test_a_refusal_is_a_row_with_its_code_for_good(provider: StandIn, tmp_path: Path, at_submit: bool) -> None:
    if at_submit:
        provider.refuse_at_submit = {ONE[0]}
    else:
        provider.outcomes = {ONE[0]: "refused"}
    spec = spec_for(provider, ONE)
    row = only(run_of(tmp_path / "run", spec))
    assert row.refused
    assert row.missing is not None
    assert row.missing.startswith(f"refused by {row.backend}: {row.refused}")
    asked = len(provider.asked)
    assert run_of(tmp_path / "run", spec) == [row]
    (tmp_path / "run" / "clips.jsonl").write_bytes(b"")  # killed before the row was written
    assert only(run_of(tmp_path / "run", spec)).refused == row.refused
    assert ledger_of(tmp_path / "run").allow_again([row.clip_id]) == []  # not even by --resubmit
    assert len(provider.asked) == asked


def test_an_idempotency_key_makes_one_job_of_many_submits(tmp_path: Path) -> None:
    with STAND_INS["openai-video"]().open() as service:
        service.idempotency = "Idempotency-Key"
        service.weather.lined_up["submit"].extend(["500", "garbage", "drop"])
        row = only(run_of(tmp_path / "run", spec_for(service, ONE, idempotency_header="Idempotency-Key")))
        assert (row.missing, submits(service), len(service.jobs)) == (None, 4, 1)
        assert len({headers["idempotency-key"] for verb, _, headers in service.asked if verb == "POST"}) == 1


def test_a_rejection_after_a_lost_answer_proves_nothing_of_the_first_submit(tmp_path: Path) -> None:
    with STAND_INS["openai-video"]().open() as service:
        service.idempotency = "Idempotency-Key"
        service.weather.lined_up["submit"].extend(["500", "400"])
        row = only(run_of(tmp_path / "run", spec_for(service, ONE, idempotency_header="Idempotency-Key")))
        assert row.missing is not None
        assert row.missing.startswith("unknown")
        assert (submits(service), len(service.jobs)) == (2, 1)


# ---- jobs that fail ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_a_job_that_fails_is_told_and_not_repeated(provider: StandIn, tmp_path: Path, outcome: str) -> None:
    provider.outcomes = {ONE[0]: outcome}
    spec = spec_for(provider, ONE)
    row = only(run_of(tmp_path / "run", spec))
    assert row.missing is not None
    assert row.refused is None
    assert row.missing.startswith(("failed at", "cancelled at"))
    assert (row.cost_usd == 0.0) == row.model.startswith("runway")  # the only one that says what it charged
    asked = len(provider.asked)
    assert only(run_of(tmp_path / "run", spec)).missing == row.missing
    assert len(provider.asked) == asked
    provider.outcomes = {}
    ledger_of(tmp_path / "run").allow_again([row.clip_id])
    assert only(run_of(tmp_path / "run", spec)).missing is None
    assert len(provider.jobs) == 2


@pytest.mark.slow
def test_looking_is_free_so_every_fault_is_tried_again(provider: StandIn, tmp_path: Path) -> None:
    provider.weather.lined_up["look"].extend([*LOOK_FAULTS, "nameless"])
    row = only(run_of(tmp_path / "run", spec_for(provider, ONE, request_seconds=1.0, attempts=20)))
    assert (row.missing, len(provider.jobs), provider.weather.had["look nameless"]) == (None, 1, 1)


def test_a_provider_that_never_answers_leaves_the_job_to_the_next_run(provider: StandIn, tmp_path: Path) -> None:
    provider.weather.lined_up["look"].extend(["500"] * 3)
    spec = spec_for(provider, ONE, attempts=3)
    row = only(run_of(tmp_path / "run", spec))
    assert row.missing is not None
    assert "is paid for and safe in the ledger" in row.missing
    assert only(run_of(tmp_path / "run", spec)).missing is None
    assert (submits(provider), len(provider.jobs)) == (1, 1)


def test_a_job_that_is_not_known_any_more_can_be_asked_for_again(provider: StandIn, tmp_path: Path) -> None:
    provider.weather.lined_up["look"].extend(["404"] * 4)
    spec = spec_for(provider, ONE, attempts=2)
    row = only(run_of(tmp_path / "run", spec))
    assert row.missing is not None
    assert "has nothing any more for job" in row.missing
    assert only(run_of(tmp_path / "run", spec)).missing == row.missing  # asked once more, and not resubmitted
    assert ledger_of(tmp_path / "run").allow_again([row.clip_id]) == [row.clip_id]
    assert only(run_of(tmp_path / "run", spec)).missing is None
    assert len(provider.jobs) == 2


def test_a_job_that_takes_too_long_is_picked_up_by_the_next_run(provider: StandIn, tmp_path: Path) -> None:
    provider.outcomes = {ONE[0]: "slow"}
    spec = spec_for(provider, ONE, give_up_seconds=0.1)
    row = only(run_of(tmp_path / "run", spec))
    assert row.missing is not None
    assert "still runs" in row.missing
    (job,) = provider.jobs.values()
    job.outcome, job.looks_left = "done", 0
    assert only(run_of(tmp_path / "run", spec)).missing is None
    assert submits(provider) == 1


# ---- downloads that fail -------------------------------------------------------------------------------------------


def test_a_download_is_repeated_until_it_is_whole(provider: StandIn, tmp_path: Path) -> None:
    provider.weather.lined_up["download"].extend([*DOWNLOAD_FAULTS, *DOWNLOAD_FAULTS])
    row = only(run_of(tmp_path / "run", spec_for(provider, ONE, attempts=20)))
    assert (row.missing, len(provider.jobs)) == (None, 1)
    left = len(provider.weather.lined_up["download"])  # Veo's clips come along with the answer: nothing is downloaded
    assert left == (2 * len(DOWNLOAD_FAULTS) if provider.model.startswith("google-video/veo") else 0)
    (job,) = provider.jobs.values()
    assert row.facts["download_sha256"] == hashlib.sha256(provider.content(job)).hexdigest()


def test_a_file_that_never_comes_whole_is_left_to_the_next_run(runway: StandIn, tmp_path: Path) -> None:
    runway.weather.lined_up["download"].extend(["garbage"] * 2)
    spec = spec_for(runway, ONE, attempts=2)
    row = only(run_of(tmp_path / "run", spec))
    assert row.missing is not None
    assert "the file is damaged" in row.missing
    (account,) = ledger_of(tmp_path / "run").accounts()
    assert account.may_be_repeated  # if somebody wants to: it may never get better
    assert only(run_of(tmp_path / "run", spec)).missing is None
    assert len(runway.jobs) == 1


# ---- money ---------------------------------------------------------------------------------------------------------


def test_the_cap_counts_what_was_charged_and_what_is_in_flight(runway: StandIn, tmp_path: Path) -> None:
    """Price 1.50, charged 1.00 each: four fit under 4.60 only because what was charged is known by then."""
    spec = spec_for(runway, prompts_of(3))
    run_of(tmp_path / "run", spec, 4.5)
    assert ledger_of(tmp_path / "run").committed_usd() == pytest.approx(3.0)


def test_a_clip_dearer_than_its_price_stops_the_run_at_the_cap(
    runway: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tests.backends.hosted.stand_in.USD", 2.0)  # what the stand-in charges; the table says 1.50
    spec = spec_for(runway, prompts_of(10), concurrency=2)
    with pytest.raises(FrameholdError, match=r"cap of 15.00 USD is reached: 14.00 is charged or set aside"):
        run_of(tmp_path / "run", spec, 15.0)
    assert len(runway.jobs) == 7
    rows = [json.loads(line) for line in (tmp_path / "run" / "clips.jsonl").read_text().splitlines()]
    assert sum(bool(row["file"]) for row in rows) == 7  # what was paid for was brought home


def test_a_price_that_nobody_knows_needs_to_be_told(runway: StandIn, tmp_path: Path) -> None:
    runway.model = "runway/kling_4"
    unknown = spec_for(runway, ONE, usd_per_clip=None)
    with pytest.raises(FrameholdError, match=r"runway/kling_4: nobody says what a clip costs.*--price"):
        run_of(tmp_path / "run", unknown, 100.0)
    assert not runway.asked
    assert only(run_of(tmp_path / "free", unknown, float("inf"))).missing is None
    assert only(run_of(tmp_path / "told", spec_for(runway, ONE, usd_per_clip=3.0), 3.0)).missing is None


def test_nothing_is_sent_when_the_whole_is_too_dear(provider: StandIn, tmp_path: Path) -> None:
    with pytest.raises(FrameholdError, match=r"would cost .* and 2.00 may be spent"):
        run_of(tmp_path / "run", spec_for(provider, prompts_of(5)), 2.0)
    assert not provider.asked


# ---- order on disk -------------------------------------------------------------------------------------------------


def test_the_intent_is_on_disk_before_the_submit_and_the_job_before_the_first_look(
    provider: StandIn, tmp_path: Path
) -> None:
    path, seen = tmp_path / "run" / FILE_NAME, dict[str, list[str]]()

    def heard(kind: str) -> None:
        if kind not in seen:
            seen[kind] = [json.loads(line)["event"] for line in path.read_text().splitlines()]

    provider.before_answer = heard
    run_of(tmp_path / "run", spec_for(provider, ONE))
    assert seen["submit asked"] == ["intent"]
    assert seen["look"] == ["intent", "job"]


# ---- keys ----------------------------------------------------------------------------------------------------------


def test_no_artefact_log_or_error_holds_the_key(
    provider: StandIn, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """The stand-ins quote the key in every error and failure."""
    caplog.set_level(logging.DEBUG)
    prompts = prompts_of(5)
    provider.outcomes = {prompts[1]: "failed", prompts[2]: "refused", prompts[3]: "cancelled"}
    provider.weather.lined_up["submit"].extend(["429", "500"])
    provider.weather.lined_up["look"].extend(["500", "429"])
    run_of(tmp_path / "run", spec_for(provider, prompts, concurrency=1))
    provider.weather.lined_up["submit"].append("401")
    ledger_of(tmp_path / "run").allow_again([account.clip_id for account in ledger_of(tmp_path / "run").accounts()])
    with pytest.raises(FrameholdError) as caught:
        run_of(tmp_path / "run", spec_for(provider, prompts, concurrency=1))
    said = capfd.readouterr()
    trace = "".join(traceback.format_exception(caught.value))
    for text in (caplog.text, said.out, said.err, repr(caught.value), trace):
        assert KEY not in text
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {"clips.jsonl", "spec.json", FILE_NAME} <= {path.name for path in files}
    assert not [path for path in files if KEY.encode() in path.read_bytes()]


def test_the_key_goes_to_the_provider_and_to_nobody_else(provider: StandIn, tmp_path: Path) -> None:
    run_of(tmp_path / "run", spec_for(provider, ONE))
    for _, path, headers in provider.asked:
        is_file_store = path.startswith(("/assets/", "/media/"))
        assert any(KEY in value for value in headers.values()) != is_file_store, path


def test_orders_are_plain_data(provider: StandIn) -> None:
    from bench.backends import open_backend
    from bench.backends.hosted.backend import HostedBackend

    spec = spec_for(provider, ONE)
    backend = open_backend(spec.sources[0].backend, spec.sources[0].options)
    assert isinstance(backend, HostedBackend)
    (request,) = backend.plan(spec.suite, spec.sources[0].models).requests
    order: Order = backend.order(request)
    assert json.loads(json.dumps(order.arguments)) == order.arguments
    assert backend.order(request) == order


# ---- Google's own credentials ----------------------------------------------------------------------------------------


@pytest.fixture
def veo() -> Iterator[StandIn]:
    with STAND_INS["veo"]().open() as stand_in:
        yield stand_in


def test_veo_on_a_project_goes_by_the_accounts_own_credentials(
    veo: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.oauth2.credentials import Credentials

    token = "ya29." + "5ec7e7" * 8
    monkeypatch.setattr("google.auth.default", lambda scopes: (Credentials(token=token), "mine"))  # type: ignore[no-untyped-call]
    veo.weather.lined_up["submit"].append("429")
    row = only(run_of(tmp_path / "run", spec_for(veo, ONE, project="mine")))
    assert row.missing is None
    assert row.facts["job"].startswith("projects/mine/locations/us-central1/publishers/google/models/veo-3.1")
    assert {headers["authorization"] for _, _, headers in veo.asked} == {f"Bearer {token}"}
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert not [path for path in files if token.encode() in path.read_bytes()]


def test_credentials_that_others_can_read_or_that_are_not_there(
    veo: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "account.json"
    path.write_text("{}")
    path.chmod(0o644)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(path))
    with pytest.raises(FrameholdError, match=f"chmod 600 {path}"):
        run_of(tmp_path / "run", spec_for(veo, ONE, project="mine"))
    path.chmod(0o600)
    with pytest.raises(FrameholdError, match="no credentials for project mine"):
        run_of(tmp_path / "run", spec_for(veo, ONE, project="mine"))
    assert not veo.asked
    assert not (tmp_path / "run" / FILE_NAME).exists()


def test_credentials_that_fail_on_the_way_are_no_lost_answer(
    veo: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from google.auth.exceptions import RefreshError
    from google.oauth2.credentials import Credentials

    def refuse(self: Credentials, request: object) -> None:
        raise RefreshError("revoked")  # type: ignore[no-untyped-call]

    monkeypatch.setattr(Credentials, "refresh", refuse)
    monkeypatch.setattr("google.auth.default", lambda scopes: (Credentials(token=None), "mine"))  # type: ignore[no-untyped-call]
    with pytest.raises(FrameholdError, match=r"credentials do not work .*revoked"):
        run_of(tmp_path / "run", spec_for(veo, ONE, project="mine"))
    assert [account.standing for account in ledger_of(tmp_path / "run").accounts()] == ["open"]
