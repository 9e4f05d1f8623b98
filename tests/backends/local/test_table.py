"""The table: rows that can be, frames that are snapped, options laid over it, and a page that says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.backends import open_backend
from bench.backends.local.asking import read_told, spell_out
from bench.backends.local.libraries import diffusers_module
from bench.backends.local.random_weights import ARCHITECTURES, read_architecture
from bench.backends.local.table import DIFFUSERS, IMAGE_MODELS, FrameRule
from bench.records import FrameholdError
from tests.backends.local.table_text import BEGIN, END, table_lines
from tests.backends.local.tiny import opened, requests

ROWS = {**DIFFUSERS, **IMAGE_MODELS}
PAGE = Path(__file__).parents[3] / "docs" / "local.md"


@pytest.mark.parametrize("name", ROWS)
def test_a_row_can_be(name: str) -> None:
    row = ROWS[name]
    assert hasattr(diffusers_module(), row.pipeline)
    assert all(hasattr(diffusers_module(), part.kind) for part in row.parts.values())
    assert row.frames is not None
    assert row.rule.snap(row.frames) == row.frames
    assert row.licence
    assert row.height is not None
    assert row.width is not None
    assert row.height % 8 == row.width % 8 == 0


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.architecture])
def test_an_architecture_has_every_component_of_its_pipeline_at_both_sizes(name: str) -> None:
    import inspect

    content = read_architecture(str(ROWS[name].architecture))
    kind = getattr(diffusers_module(), content["pipeline"])
    assert ROWS[name].pipeline in {content["pipeline"], "DiffusionPipeline"}
    needed = {
        parameter.name
        for parameter in inspect.signature(kind.__init__).parameters.values()
        if parameter.default is inspect.Parameter.empty and parameter.name != "self"
    }
    assert needed <= {*content["components"], *content.get("absent", ())}
    assert all({"class", "library", "tiny", "full"} <= set(part) for part in content["components"].values())


def test_every_architecture_is_used() -> None:
    assert {path.stem for path in ARCHITECTURES.glob("*.json")} == {row.architecture for row in ROWS.values()} - {None}


@pytest.mark.parametrize(
    ("rule", "asked", "made"),
    [
        (FrameRule(4, 1), 81, 81),
        (FrameRule(4, 1), 82, 85),
        (FrameRule(4, 1), 1, 1),
        (FrameRule(8, 1), 160, 161),
        (FrameRule(6, 1), 19, 19),
        (FrameRule(6, 1), 20, 25),
        (FrameRule(16, 0, 16), 5, 16),
        (FrameRule(), 7, 7),
    ],
)
def test_frames_are_snapped_up(rule: FrameRule, asked: int, made: int) -> None:
    assert rule.snap(asked) == made


def test_more_frames_than_a_model_makes_are_refused() -> None:
    with pytest.raises(FrameholdError, match="diffusers/latte makes at most 16 frames a clip: ask for fewer than 17"):
        requests(opened("diffusers", frames=17), "latte")


def test_the_page_has_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    between = text.partition(BEGIN)[2].partition(END)[0]
    assert between.strip().splitlines() == table_lines()


# ---- options -----------------------------------------------------------------------------------------------------


def test_every_value_can_be_set_and_decides_which_clip_it_is() -> None:
    plain = requests(opened("diffusers"), "modelscope")[0]
    for option in ({"frames": 5}, {"steps": 3}, {"guidance": 2.0}, {"fps": 4.0}, {"height": 64}, {"dtype": "bfloat16"}):
        assert requests(opened("diffusers", **option), "modelscope")[0] != plain
    assert requests(opened("diffusers", arguments={"eta": 0.5}), "modelscope")[0] != plain
    assert requests(opened("diffusers"), "modelscope")[0] == plain


def test_half_precision_is_for_gpus() -> None:
    on_gpu, on_cpu = (opened("diffusers", device=device, dtype=None) for device in ("auto", "cpu"))
    assert (on_gpu.row("diffusers/wan2.1-1.3b").dtype, on_cpu.row("diffusers/wan2.1-1.3b").dtype) == (
        "bfloat16",
        "float32",
    )
    assert opened("diffusers", dtype="bfloat16").row("diffusers/modelscope").dtype == "bfloat16"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"stpes": 3}, "unknown option 'stpes': choose from repo, revision, parts, frames"),
        ({"steps": "many"}, "steps='many': input should be a valid integer"),
        ({"height": 100}, "height=100: input should be a multiple of 8"),
        ({"guidance": float("nan")}, "guidance=nan"),
        ({"dtype": "int8"}, "dtype='int8': input should be 'float32', 'float16' or 'bfloat16'"),
        ({"size": "tiny"}, "size=tiny is for --weights random"),
        ({"parts": {"motion": "a/b"}}, "parts: unknown component 'motion': none: all of it lies in one repository"),
    ],
)
def test_an_option_that_cannot_be_is_named(options: dict[str, object], said: str) -> None:
    with pytest.raises(FrameholdError) as raised:
        requests(opened("diffusers", **options), "modelscope")
    assert said in str(raised.value)


def test_told_values_are_toml_or_plain_text() -> None:
    told = read_told(["steps=20", "guidance=1.5", "repo=a/b", "arguments.eta=0.5", "negative_prompt=x = y"], "cpu")
    assert told == {
        "steps": 20,
        "guidance": 1.5,
        "repo": "a/b",
        "arguments": {"eta": 0.5},
        "negative_prompt": "x = y",
        "device": "cpu",
    }
    with pytest.raises(FrameholdError, match="--set 'steps': expected NAME=VALUE"):
        read_told(["steps"])


def test_names_are_spelled_out() -> None:
    assert [spell_out(name) for name in ("wan2.1-1.3b", "diffusers:a/b", "diffusers/latte", "a.b:C")] == [
        "diffusers/wan2.1-1.3b",
        "diffusers/a/b",
        "diffusers/latte",
        "a.b:C",
    ]


def test_a_backend_without_a_model_says_which_there_are() -> None:
    with pytest.raises(FrameholdError, match=r"which model.*modelscope.*or diffusers:OWNER/REPO"):
        opened("diffusers").default_models()
    assert opened("text2video-zero").default_models() == ("text2video-zero/sd-1.5",)
    with pytest.raises(FrameholdError, match=r"text2video-zero has sd-1\.5, sdxl$"):
        opened("text2video-zero").check_model("a/b")
    with pytest.raises(FrameholdError, match="no OWNER/NAME of the hub"):
        opened("diffusers").check_model("a/b/c")


def test_it_is_opened_without_torch_or_diffusers() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from bench.backends import open_backend; open_backend('diffusers', {}).models(); "
        "print(sorted({'torch', 'diffusers', 'transformers'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
    assert open_backend("diffusers", {}).models()[0] == "diffusers/modelscope"
