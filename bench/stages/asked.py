"""asked: a suite and the rows of a run -> what was asked for and never made, and rows that are not what they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bench.records import ClipKey, ClipRow, Prompt, Suite

NEVER_MADE = "never made: clips.jsonl has no row of it"


def asked_keys(suite: Suite, clips: Sequence[ClipRow]) -> Iterator[tuple[ClipKey, Prompt]]:
    """Every prompt and seed of the suite, for every model that has a row."""
    for model in dict.fromkeys(clip.model for clip in clips):
        for prompt in suite.prompts:
            for seed in prompt.seeds:
                yield ClipKey(model, prompt.id, seed), prompt


def absent_rows(suite: Suite, clips: Sequence[ClipRow]) -> list[ClipRow]:
    """A row, missing, for each clip that was asked for and has none."""
    there = {clip.clip_id for clip in clips}
    return [
        ClipRow(
            key.clip_id,
            key.model,
            key.prompt_id,
            key.seed,
            prompt.text,
            prompt.category,
            prompt.moves,
            backend="",
            fingerprint="",
            missing=NEVER_MADE,
        )
        for key, prompt in asked_keys(suite, clips)
        if key.clip_id not in there
    ]


def row_faults(suite: Suite, clips: Sequence[ClipRow]) -> Iterator[str]:
    """Rows whose id is not that of their model, prompt and seed, or whose prompt is not the suite's."""
    prompts = {prompt.id: prompt for prompt in suite.prompts}
    for clip in clips:
        if clip.clip_id != ClipKey(clip.model, clip.prompt_id, clip.seed).clip_id:
            yield f"clips.jsonl: {clip.clip_id}: not the id of {clip.model}, {clip.prompt_id}, {clip.seed}"
        prompt = prompts.get(clip.prompt_id)
        if prompt and (clip.prompt, clip.moves, clip.category) != (prompt.text, prompt.moves, prompt.category):
            yield f"clips.jsonl: {clip.clip_id}: prompt, moves or category are not the suite's"
