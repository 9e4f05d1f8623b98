"""The study: many clips through a provider with every fault at random and the process killed again and again.

    python -m tests.backends.hosted.study [--clips 200] [--kills 30] [--seed 0] [PROVIDER ...]

Of four kills one comes when a job was made and nothing is said of it yet (after some seconds even if none was), one
at a random moment of a random request (before its work, between its work and its answer, after its answer), two at a
random time. Before each kill only so many jobs may end, so that no run ends before its kill comes. Then the run is let
go on until it ends by itself; what is reported unknown is asked for once more only after all that was counted.
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.backends.hosted.ledger import FILE_NAME
from bench.records import ClipRow, Spec
from bench.run_folder import RunFolder
from tests.backends.hosted.runs import ENVIRONMENT, ledger_of, prompts_of, spec_for
from tests.backends.hosted.stand_in import KEY, STAND_INS, USD, StandIn, kill
from tests.backends.hosted.victim import DONE, Victims

RATES = {"submit": 0.12, "look": 0.08, "download": 0.25}
MOST_RUNS = 400
MOMENTS = ("submit asked", "submit", "submit answered", "look", "download")
LONGEST_WAIT_SECONDS = 5.0  # for a job to be made; then the kill comes all the same


@dataclass
class Finding:
    """What one provider's study counted."""

    provider: str
    clips: int
    kills: int = 0
    runs: int = 0
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    jobs: int = 0
    unknown: int = 0
    repeated: int = 0
    """Prompts with more than one job before anybody asked for a second one."""
    lost: int = 0
    """Clips that the provider made and that are neither here nor reported unknown."""
    unsaid: int = 0
    """Refusals, failures and cancellations without their row, after unknown ones were asked for once more."""
    refused: int = 0
    charged_usd: float = 0.0
    cap_usd: float = 0.0
    over_cap_usd: float = 0.0
    """By how much the cap was passed, by what was really charged or by the ledger."""
    leaks: int = 0
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        """Nothing paid twice, nothing lost, the cap kept, every refusal told, no key written."""
        return not (self.repeated or self.lost or self.unsaid or self.leaks or self.over_cap_usd)


class Killer:
    """Kills a process at the worst moment of a submit, at a random moment of a request, or at a random time."""

    def __init__(self, stand_in: StandIn, rng: random.Random, wanted: int, clips: int) -> None:
        self._stand_in, self._rng, self._pid, self._left = stand_in, rng, 0, 0
        self._kinds: tuple[str, ...] = ()
        self._lock, self.kills, self._wanted, self._clips = threading.Lock(), 0, wanted, clips
        self._let_end()
        stand_in.before_answer = self._heard

    def aim(self, pid: int) -> None:
        """Choose the moment for that process."""
        with self._lock:
            if self.kills >= self._wanted:
                return
            self._pid, self._left = pid, 10**9
            if self.kills % 4 == 0:
                self._left, self._kinds = self._rng.randint(1, 3), ("submit",)
                self._after(LONGEST_WAIT_SECONDS)
            elif self.kills % 4 == 2:
                self._left, self._kinds = self._rng.randint(1, 25), MOMENTS
            else:
                self._after(self._rng.uniform(0.02, 0.7))

    def lower(self) -> None:
        """It ended by itself."""
        with self._lock:
            self._pid = 0

    def _after(self, seconds: float) -> None:
        timer = threading.Timer(seconds, self._strike, (self._pid,))
        timer.daemon = True
        timer.start()

    def _heard(self, kind: str) -> None:
        with self._lock:
            self._left -= kind in self._kinds
            is_time = self._pid and self._left == 0
            pid = self._pid
        if is_time:
            self._strike(pid)

    def _strike(self, pid: int) -> None:
        with self._lock:
            if pid == self._pid:
                self._pid = 0
                with suppress(ProcessLookupError):
                    kill(pid)
                    self.kills += 1
                    self._let_end()

    def _let_end(self) -> None:
        """Until the next kill a share of half the clips may end; after the last one all."""
        share = (self.kills + 1) / (self._wanted + 1) / 2
        self._stand_in.may_end = int(self._clips * share) if self.kills < self._wanted else None


def study(provider: str, clips: int, kills: int, seed: int, victims: Victims, root: Path) -> Finding:
    """One provider's study; `root` is a folder for its run."""
    began = time.monotonic()
    rng = random.Random(seed)
    finding = Finding(provider, clips)
    with STAND_INS[provider]().open() as stand_in:
        prompts = prompts_of(clips)
        deal(stand_in, prompts, rng)
        spec = spec_for(stand_in, prompts, concurrency=4, attempts=8, request_seconds=0.6)
        finding.cap_usd = clips * _price(stand_in) * 1.02
        killer = Killer(stand_in, rng, kills, clips)
        run = partial(_until_ended, stand_in, victims, killer, root, spec, finding)
        run(())
        _count(finding, stand_in, root, prompts)
        finding.kills = killer.kills
        _ask_again(finding, stand_in, root, prompts, run)
        finding.requests, finding.faults = len(stand_in.asked), stand_in.weather.had
    finding.leaks = leaks_in(root)
    finding.seconds = time.monotonic() - began
    return finding


def deal(stand_in: StandIn, prompts: tuple[str, ...], rng: random.Random) -> None:
    """Give each prompt its fate, and the weather its rates."""
    fates = ("done",) * 14 + ("failed", "cancelled", "refused", "refused-at-once")
    for prompt in prompts:
        fate = rng.choice(fates)
        if fate == "refused-at-once":
            stand_in.refuse_at_submit.add(prompt)
        else:
            stand_in.outcomes[prompt] = fate
    stand_in.looks = -1  # as many looks as chance has it
    stand_in.weather.rng, stand_in.weather.rates = random.Random(rng.random()), RATES


def _until_ended(
    stand_in: StandIn,
    victims: Victims,
    killer: Killer,
    root: Path,
    spec: Spec,
    finding: Finding,
    again: tuple[str, ...],
) -> None:
    """Start it, and start it again when it was killed or stopped, until it ends by itself."""
    for _ in range(MOST_RUNS):
        pid = victims.start(root, spec, finding.cap_usd, again)
        killer.aim(pid)
        status = victims.wait()
        killer.lower()
        finding.runs += 1
        again = ()
        if status == DONE:
            return
    raise RuntimeError(f"{stand_in.model}: {MOST_RUNS} runs did not end: {(root / 'stopped.txt').read_text()}")


def _count(finding: Finding, stand_in: StandIn, root: Path, prompts: tuple[str, ...]) -> None:
    """What holds before anybody asks for a second submit."""
    rows = rows_of(root)
    unknown = {prompt for prompt in prompts if is_unknown(rows[prompt])}
    paid = stand_in.paid
    finding.jobs, finding.unknown = len(stand_in.jobs), len(unknown)
    finding.repeated = sum(count > 1 for count in paid.values())
    made = {job.prompt for job in stand_in.jobs.values() if job.outcome == "done"}
    finding.lost = sum(not rows[prompt].file and prompt not in unknown for prompt in made)
    finding.lost += sum(prompt not in rows for prompt in prompts)
    _weigh(finding, stand_in, root)


def _ask_again(
    finding: Finding, stand_in: StandIn, root: Path, prompts: tuple[str, ...], run: Callable[..., None]
) -> None:
    """Ask once more for what is unknown, in calm weather and under a cap that has room for it; then all is told."""
    stand_in.weather.rates = {}
    unknown = tuple(row.clip_id for row in rows_of(root).values() if is_unknown(row))
    before = len(stand_in.jobs)
    if unknown:
        finding.cap_usd += len(unknown) * _price(stand_in)
        run(unknown)
    _weigh(finding, stand_in, root)
    rows = rows_of(root)
    finding.repeated += max(0, len(stand_in.jobs) - before - len(unknown))
    told = {
        "failed": lambda row: row.missing and not row.refused and not row.file,
        "cancelled": lambda row: row.missing and not row.refused and not row.file,
        "refused": lambda row: row.refused and row.missing and not row.file,
        "done": lambda row: row.file and not row.missing,
    }
    for prompt in prompts:
        fate = "refused" if prompt in stand_in.refuse_at_submit else stand_in.outcomes[prompt]
        finding.unsaid += not told[fate](rows[prompt]) or is_unknown(rows[prompt])
    finding.refused = sum(bool(row.refused) for row in rows.values())


def _weigh(finding: Finding, stand_in: StandIn, root: Path) -> None:
    finding.charged_usd = stand_in.charged_usd
    most = max(finding.charged_usd, ledger_of(root).committed_usd())
    finding.over_cap_usd = max(finding.over_cap_usd, most - finding.cap_usd, 0.0)


def _price(stand_in: StandIn) -> float:
    return {"runway": 1.5, "google-video/veo-3.1-generate-001": 1.6}.get(
        stand_in.model if stand_in.model.startswith("google") else stand_in.model.partition("/")[0], USD
    )


def rows_of(root: Path) -> dict[str, ClipRow]:
    """The rows of a run by prompt."""
    return {row.prompt: row for row in RunFolder(root).clips()}


def is_unknown(row: ClipRow) -> bool:
    """Whether the row says that nobody knows what became of the submit."""
    return bool(row.missing and row.missing.startswith("unknown"))


def leaks_in(root: Path) -> int:
    """Files of a run that hold the key."""
    assert (root / FILE_NAME).exists()
    return sum(KEY.encode() in path.read_bytes() for path in root.rglob("*") if path.is_file())


def environment() -> dict[str, str]:
    """A key for every provider."""
    return dict.fromkeys(ENVIRONMENT, KEY)


def main() -> int:
    """Run the study and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("providers", nargs="*", default=list(STAND_INS))
    parser.add_argument("--clips", type=int, default=200)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    victims, good = Victims(environment()), True
    for provider in given.providers:
        with TemporaryDirectory() as folder:
            finding = study(provider, given.clips, given.kills, given.seed, victims, Path(folder) / "run")
        sys.stdout.write(f"{'holds ' if finding.holds else 'BROKEN'} {finding}\n")
        sys.stdout.flush()
        good = good and finding.holds
    victims.close()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
