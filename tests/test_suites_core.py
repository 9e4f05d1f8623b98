"""core and mini: balanced, without near-duplicates, about things that can be checked, and never changed unnoticed."""

from __future__ import annotations

import importlib.util
import math
import re
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import pytest

from bench.records import Prompt
from bench.suite import load_suite, near_duplicates, shipped_suites

CORE = load_suite("core-v1")
MINI = load_suite("mini-v1")
CATEGORIES = [
    "gait",
    "hands",
    "faces",
    "animals",
    "counting",
    "occlusion",
    "fluids",
    "fire",
    "smoke",
    "cloth",
    "rigid-motion",
    "vehicles",
    "reflections",
    "text",
    "camera",
    "slow-change",
    "fast-motion",
]

# The most alike pairs have 0.15 and 0.12.
MOST_WORDS_SHARED = 0.25
MOST_LETTERS_SHARED = 0.2
CLIP_TOKENS = 77  # with the two that mark start and end; what lies beyond is cut off without a word


def by_category() -> dict[str, list[Prompt]]:
    return {category: [prompt for prompt in CORE.prompts if prompt.category == category] for category in CATEGORIES}


def letters_shared(prompts: tuple[Prompt, ...], size: int = 5) -> dict[tuple[str, str], float]:
    """Cosine of tf-idf over runs of `size` characters, for every pair of prompt ids."""
    texts = [" ".join(re.findall(r"[a-z0-9]+", prompt.text.lower())) for prompt in prompts]
    counts = [Counter(text[start : start + size] for start in range(len(text) - size + 1)) for text in texts]
    spread = Counter(gram for count in counts for gram in count)
    rows = [{gram: n * math.log(len(texts) / spread[gram]) for gram, n in count.items()} for count in counts]
    lengths = [math.sqrt(sum(weight**2 for weight in row.values())) for row in rows]
    return {
        (prompts[a].id, prompts[b].id): sum(weight * rows[b].get(gram, 0.0) for gram, weight in rows[a].items())
        / (lengths[a] * lengths[b])
        for a, b in combinations(range(len(prompts)), 2)
    }


# ---- what is measured stays what it is ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "sha256"),
    [
        ("core-v1", "9bef5e1db84ed6bdf77d6561d7b70457fac358b77065a6cd0e4d06b17ebb66a6"),
        ("mini-v1", "eb95c66cf8dba656ce091ad8cd85faecf36c57b9772ce5b9289c8e566c1a7dbe"),
    ],
)
def test_a_changed_suite_is_noticed(name: str, sha256: str) -> None:
    # A change here is a change of what is measured: it belongs into the next version.
    assert load_suite(name).sha256 == sha256


def test_they_are_found_by_name_and_by_short_name() -> None:
    assert {"core-v1", "mini-v1", "quick-v1"} <= set(shipped_suites())
    assert load_suite("core") == CORE
    assert load_suite("mini") == MINI


def test_mini_is_one_prompt_of_each_category_of_core_word_for_word() -> None:
    assert set(MINI.prompts) <= set(CORE.prompts)
    assert [prompt.category for prompt in MINI.prompts] == CATEGORIES
    assert {prompt.moves for prompt in MINI.prompts} == {"subject", "camera", "scene", "none"}
    assert min(Counter(prompt.difficulty for prompt in MINI.prompts).values()) >= len(MINI.prompts) // 4


# ---- balance -----------------------------------------------------------------------------------------------------


def test_it_begins_with_a_man_walking_on_a_beach() -> None:
    assert re.match(r"A man .* walks along a beach", CORE.prompts[0].text)


def test_there_are_eight_prompts_in_each_of_seventeen_categories() -> None:
    assert list(dict.fromkeys(prompt.category for prompt in CORE.prompts)) == CATEGORIES
    assert {category: len(prompts) for category, prompts in by_category().items()} == dict.fromkeys(CATEGORIES, 8)


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_is_easy_medium_and_hard(category: str) -> None:
    spread = Counter(prompt.difficulty for prompt in by_category()[category])
    assert spread == {"easy": 2, "medium": 3, "hard": 3}


def test_what_must_move_is_said_and_stillness_is_rare() -> None:
    moves = Counter(prompt.moves for prompt in CORE.prompts)
    assert set(moves) == {"subject", "camera", "scene", "none"}
    assert {prompt.moves for prompt in by_category()["camera"]} == {"camera"}
    # A frozen frame holds a `none` prompt to the end, so there may be only a few.
    assert moves["none"] <= 0.05 * len(CORE.prompts)


def test_each_prompt_has_a_seed_of_its_own() -> None:
    seeds = [seed for prompt in CORE.prompts for seed in prompt.seeds]
    assert seeds == list(range(1, len(CORE.prompts) + 1))


def test_ids_begin_with_their_category_and_quick_has_others() -> None:
    for prompt in CORE.prompts:
        assert prompt.id.split("-")[0] == prompt.category.split("-")[0]
    assert not {prompt.id for prompt in CORE.prompts} & {prompt.id for prompt in load_suite("quick-v1").prompts}


# ---- the texts ---------------------------------------------------------------------------------------------------


def test_no_two_prompts_share_many_words() -> None:
    assert near_duplicates(CORE, MOST_WORDS_SHARED) == []


def test_no_two_prompts_share_many_letters() -> None:
    shared = letters_shared(CORE.prompts)
    assert len(shared) == 136 * 135 // 2
    assert max(shared.values()) <= MOST_LETTERS_SHARED


@pytest.mark.parametrize(
    "texts",
    [
        ("A spotted dog trots behind a broad oak", "A spotted cat trots behind a broad oak"),
        ("Three forks lie on a bare table", "On a bare table lie three forks"),
    ],
)
def test_both_bounds_find_a_near_duplicate(texts: tuple[str, str]) -> None:
    first, second = (Prompt(f"p{number}", text) for number, text in enumerate(texts))
    both = (*CORE.prompts, first, second)
    assert letters_shared(both)["p0", "p1"] > 2 * MOST_LETTERS_SHARED
    assert near_duplicates(type(CORE)("two", 1, (first, second)), 2 * MOST_WORDS_SHARED)


def test_openings_vary() -> None:
    two, three = (Counter(" ".join(prompt.text.lower().split()[:n]) for prompt in CORE.prompts) for n in (2, 3))
    assert max(two.values()) <= 5
    assert max(three.values()) <= 2
    assert sum(prompt.text.startswith(("A ", "An ")) for prompt in CORE.prompts) <= 0.4 * len(CORE.prompts)


@pytest.mark.parametrize(
    "words",
    [
        r"cinematic|photo-?realis\w*|realistic|hyper\w*|anime|cartoon|style|masterpiece|beautiful|stunning|8k|4k|hdr|bokeh",
        r"cuts? to|montage|time-?lapse|next scene|meanwhile|slow motion",
        r"child(ren)?|boys?|girls?|toddlers?|bab(y|ies)|kids?|teen\w*|school(boy|girl)s?",
    ],
    ids=["styles", "cuts", "children"],
)
def test_words_that_do_not_belong_here(words: str) -> None:
    assert [prompt.text for prompt in CORE.prompts if re.search(rf"\b({words})\b", prompt.text.lower())] == []


def test_each_text_is_one_plain_sentence() -> None:
    for prompt in CORE.prompts:
        assert prompt.text.isascii(), prompt.id
        assert prompt.text[0].isupper(), prompt.id
        assert not re.search(r"[.!?]", prompt.text), prompt.id
        assert 10 <= len(prompt.text.split()) <= 32, prompt.id


@pytest.mark.slow
def test_clip_reads_every_text_to_its_end() -> None:
    encode = clip_tokenizer()
    lengths = {prompt.id: len(encode(prompt.text)) + 2 for prompt in CORE.prompts}
    assert encode("a man") == [320, 786]  # as in CLIP's own vocabulary
    assert max(lengths.values()) <= CLIP_TOKENS


def clip_tokenizer() -> Callable[[str], list[int]]:
    """open_clip's tokenizer without the models around it, which take seconds to import."""
    package = importlib.util.find_spec("open_clip")
    assert package is not None
    assert package.origin is not None
    spec = importlib.util.spec_from_file_location("clip_tokenizer", Path(package.origin).with_name("tokenizer.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    encode: Callable[[str], list[int]] = module.SimpleTokenizer().encode
    return encode
