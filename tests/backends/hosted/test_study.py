"""The study in small: every fault at random, the process killed at random moments, nothing paid twice and nothing lost.

FRAMEHOLD_STUDY=full makes it the whole one: 200 clips and 30 kills a provider, some minutes.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.hosted.runs import ledger_of, prompts_of, spec_for
from tests.backends.hosted.stand_in import STAND_INS, StandIn
from tests.backends.hosted.study import environment, study
from tests.backends.hosted.victim import INTERRUPTED, Victims

CLIPS, KILLS = (200, 30) if os.environ.get("FRAMEHOLD_STUDY") == "full" else (20, 4)


@pytest.fixture(scope="module")
def victims() -> Iterator[Victims]:
    starter = Victims(environment())
    yield starter
    starter.close()


@pytest.mark.slow
@pytest.mark.parametrize("name", STAND_INS)
def test_nothing_is_paid_twice_and_nothing_is_lost(name: str, victims: Victims, tmp_path: Path) -> None:
    finding = study(name, CLIPS, KILLS, seed=7, victims=victims, root=tmp_path / "run")
    assert finding.holds, finding
    assert finding.kills == KILLS
    assert finding.jobs > CLIPS / 2
    assert finding.refused > 0


@pytest.mark.slow
def test_ctrl_c_says_what_still_runs_and_the_next_run_picks_it_up(
    runway: StandIn, victims: Victims, tmp_path: Path
) -> None:
    prompts = prompts_of(4)
    runway.outcomes = dict.fromkeys(prompts, "slow")
    spec = spec_for(runway, prompts, concurrency=2)
    looks: list[str] = []
    runway.before_answer = looks.append
    pid = victims.start(tmp_path / "run", spec, 100.0)
    until = time.monotonic() + 60
    while (len(runway.jobs) < 2 or looks.count("look") < 2) and time.monotonic() < until:
        time.sleep(0.01)
    os.kill(pid, signal.SIGINT)
    assert victims.wait() == INTERRUPTED
    said = (tmp_path / "run" / "stopped.txt").read_text()
    assert "2 paid jobs still run and will be picked up then" in said
    assert all(job in said for job in runway.jobs)
    assert [account.standing for account in ledger_of(tmp_path / "run").accounts()] == ["running", "running"]
    for job in runway.jobs.values():
        job.outcome, job.looks_left = "done", 0
    runway.outcomes = {}
    victims.start(tmp_path / "run", spec, 100.0)
    assert victims.wait() == 0
    assert set(runway.paid.values()) == {1}
    assert len(runway.jobs) == 4
