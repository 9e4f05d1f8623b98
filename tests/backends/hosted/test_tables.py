"""Tables: models, prices with their sources, what has ended, limits of prompts, options."""

from __future__ import annotations

import re
import typing
from typing import Any

import pytest
import runwayml.types.text_to_video_create_params as runway_types

from bench.backends import BACKENDS, open_backend
from bench.backends.hosted import prices
from bench.backends.hosted.asking import is_paid, split_models
from bench.backends.hosted.backend import HostedBackend
from bench.backends.hosted.prices import find_price
from bench.backends.hosted.runway import MODELS
from bench.records import ClipKey, ClipRequest, FrameholdError, Prompt, Suite

HOSTED = ("fal", "google-video", "openai-video", "runway")


def backend_of(name: str, **options: Any) -> HostedBackend:
    backend = open_backend(name, options)
    assert isinstance(backend, HostedBackend)
    return backend


def request_of(model: str, text: str = "A dog runs", seed: int = 7) -> ClipRequest:
    return ClipRequest(ClipKey(model, "p", seed), Prompt("p", text, seeds=(seed,)))


def suite_of(*texts: str) -> Suite:
    return Suite("s", 1, tuple(Prompt(f"p{index}", text) for index, text in enumerate(texts)))


# ---- models --------------------------------------------------------------------------------------------------------


def test_runway_has_every_model_that_its_sdk_lists_with_arguments_that_it_takes() -> None:
    listed = {}
    for kind in typing.get_args(runway_types.TextToVideoCreateParams):
        hints = typing.get_type_hints(kind, include_extras=True)
        (name,) = typing.get_args(typing.get_args(hints["model"])[0])
        aliases = {key: re.search(r"alias='(\w+)'", str(hint)) for key, hint in hints.items()}
        listed[name] = {found[1] if found else key for key, found in aliases.items()}
    assert set(MODELS) == set(listed)
    for name, fields in listed.items():
        arguments = backend_of("runway").order(request_of(f"runway/{name}")).arguments
        assert set(arguments) <= fields, name
        assert ("seed" in fields) == (MODELS[name].seeded != "no") == ("seed" in arguments), name


def test_no_hosted_backend_needs_a_key_an_sdk_or_a_network_to_be_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNWAYML_API_SECRET")
    for name in HOSTED:
        assert all(model.startswith(f"{name}/") for model in backend_of(name).models())


def test_which_backends_cost_money() -> None:
    assert {name for name in BACKENDS if is_paid(name)} == set(HOSTED)
    assert is_paid("bench.backends.hosted.fal:FalBackend")
    assert not is_paid("no-such-backend")


def test_naming_no_model_asks_for_one_at_most() -> None:
    assert backend_of("runway").default_models() == ("runway/gen4.5",)
    assert backend_of("google-video").default_models() == ("google-video/veo-3.1-generate-001",)
    for name in ("fal", "openai-video"):
        with pytest.raises(FrameholdError, match=f"--backend {name}: which model"):
            backend_of(name).default_models()


def test_models_are_kept_apart_from_backends() -> None:
    assert split_models(["runway", "procedural/pop", "runway/veo3.1", "fal/a/b"]) == (
        ["runway", "procedural/pop", "fal"],
        {"runway": ["runway/veo3.1"], "fal": ["fal/a/b"]},
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("runway/gen2", "ask for runway/gen4.5"),
        ("runway/gen-3", "ask for runway/gen4.5"),
        ("runway/gen3a_turbo", r"ended on 2026-07-30: ask for runway/gen4.5, .*--clips DIR --model gen3a_turbo"),
        ("openai-video/sora-2", r"ended at OpenAI on 2026-09-24.*base_url.*--clips DIR --model sora-2"),
        ("google-video/veo-3.1-generate-preview", "veo-3.1-generate-001 on Vertex"),
    ],
)
def test_what_has_ended_names_its_successor_and_the_road_for_old_clips(name: str, words: str) -> None:
    backend, _, model = name.partition("/")
    with pytest.raises(FrameholdError, match=words):
        backend_of(backend).check_model(model)
    with pytest.raises(FrameholdError, match=words):
        backend_of(backend).plan(suite_of("A dog"), (name,))


def test_sora_lives_on_at_other_addresses_only() -> None:
    backend_of("openai-video", base_url="https://video.example.org/v1").check_model("sora-2")
    with pytest.raises(FrameholdError, match="ended at OpenAI"):
        backend_of("openai-video", base_url="https://api.openai.com/v1").check_model("sora-2")


def test_an_unknown_model_names_the_known_ones() -> None:
    with pytest.raises(FrameholdError, match=r"runway/gen5: runway has gen4.5, veo3.1"):
        backend_of("runway").check_model("gen5")
    for endpoint in ("veo", "a//b", "../x/y", "a/../b"):
        with pytest.raises(FrameholdError, match="expected an endpoint"):
            backend_of("fal").check_model(endpoint)


# ---- prices --------------------------------------------------------------------------------------------------------


def test_every_price_has_a_source_and_a_date() -> None:
    for price in prices._table():
        assert price.source
        assert re.fullmatch(r"20\d\d-\d\d", price.read)
        assert (price.usd_per_second or 0) > 0 or (price.usd_per_clip or 0) > 0
        assert price.model.partition("/")[0] in HOSTED


@pytest.mark.parametrize(
    ("model", "options", "usd"),
    [
        ("runway/gen4.5", {}, 5 * 0.30),
        ("runway/gen4.5", {"arguments": {"outputFormat": "mp4"}, "seconds": 10}, 10 * 0.25),
        ("runway/gen4.5", {"arguments": {"outputFormat": "hdr10"}}, None),
        ("runway/kling_4", {}, None),
        ("google-video/veo-3.1-generate-001", {}, 4 * 0.40),
        ("google-video/veo-3.1-generate-001", {"arguments": {"resolution": "4k"}}, None),
        ("fal/fal-ai/veo3.1", {}, 4 * 0.20),
        ("fal/fal-ai/veo3.1", {"arguments": {"generate_audio": True}}, 4 * 0.40),
        ("fal/fal-ai/minimax/hailuo-2.3/standard/text-to-video", {"seconds": 10}, 0.56),
        ("fal/nobody/knows", {}, None),
        ("fal/nobody/knows", {"usd_per_clip": 0.7}, 0.7),
    ],
)
def test_a_price_goes_by_what_is_sent(model: str, options: dict[str, Any], usd: float | None) -> None:
    backend = backend_of(model.partition("/")[0], **options)
    assert backend.order(request_of(model)).price_usd == (None if usd is None else pytest.approx(usd))


def test_a_plan_counts_clips_seconds_and_dollars() -> None:
    plan = backend_of("runway").plan(suite_of("A dog", "A cat"), ("runway/gen4.5", "runway/kling_4"))
    known, unknown = plan.quotes
    assert (known.clips, known.seconds, known.usd_a_clip, plan.cost_usd) == (2, 10.0, 1.5, 3.0)
    assert "25 credits" in known.source
    assert (unknown.usd_a_clip, unknown.source) == (None, "the price is not known")
    assert any("takes no seed" in note and "kling_4" in note for note in plan.notes)


def test_the_price_table_is_not_of_a_model_alone() -> None:
    assert find_price("runway/gen4.5", {"outputFormat": "exr"}) is None


# ---- prompts and options -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fits"),
    [("x" * 1000, True), ("x" * 1001, False), ("\N{DOG}" * 500, True), ("\N{DOG}" * 501, False), ("é" * 1000, True)],
)
def test_prompts_are_measured_in_utf16_units(text: str, fits: bool) -> None:
    order = backend_of("runway").order(request_of("runway/gen4.5", text))
    assert (order.unsendable is None) == fits
    plan = backend_of("runway").plan(suite_of("A dog", text), ("runway/gen4.5",))
    assert sum(quote.clips for quote in plan.quotes) == 1 + fits
    assert any("too long" in note and "p1" in note for note in plan.notes) == (not fits)


def test_a_seed_that_cannot_be_sent_is_written_down() -> None:
    order = backend_of("runway").order(request_of("runway/hailuo3"))
    assert (order.seeded, order.dropped) == ("no", {"seed": 7})
    order = backend_of("runway").order(request_of("runway/gen4.5"))
    assert (order.seeded, order.dropped, order.arguments["seed"]) == ("similar", {}, 7)


def test_a_fal_map_is_filled_without_reading_the_prompt() -> None:
    options = {"arguments": {"text": "{prompt}", "random": "{seed}", "length": "{seconds}s", "fps": 24}, "seconds": 6}
    order = backend_of("fal", seeded="similar", **options).order(request_of("fal/a/b", "a {seed} and {prompt}"))
    assert order.arguments == {
        "prompt": "a {seed} and {prompt}", "text": "a {seed} and {prompt}", "random": 7, "length": "6s", "fps": 24
    }  # fmt: skip
    assert order.seeded == "similar"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"second": 5}, "runway options: second: extra inputs"),
        ({"seconds": 0}, "seconds: input should be greater"),
        ({"base_url": "http://example.org"}, "expected an https address"),
        ({"base_url": "ftp://localhost"}, "expected an https address"),
        ({"base_url": "https://me:secret@example.org"}, "base_url at https://example.org: expected"),
        ({"concurrency": 0}, "concurrency"),
        ({"usd_per_clip": -1}, "usd_per_clip"),
    ],
)
def test_options_are_checked(options: dict[str, Any], words: str) -> None:
    with pytest.raises(FrameholdError, match=words):
        backend_of("runway", **options)


def test_an_address_from_the_environment_is_checked_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNWAYML_BASE_URL", "http://example.org")
    with pytest.raises(FrameholdError, match="expected an https address"):
        backend_of("runway")


def test_another_argument_is_another_clip_and_another_hurry_is_not() -> None:
    request = request_of("runway/gen4.5")
    mark = backend_of("runway").order(request).fingerprint
    assert backend_of("runway", concurrency=9, poll_seconds=1, usd_per_clip=2).order(request).fingerprint == mark
    assert backend_of("runway", seconds=6).order(request).fingerprint != mark
    assert backend_of("runway", arguments={"ratio": "720:1280"}).order(request).fingerprint != mark


def test_a_missing_sdk_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for module, name in (
        ("runwayml", "runway"),
        ("openai", "openai-video"),
        ("fal_client", "fal"),
        ("tenacity", "fal"),
    ):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            with pytest.raises(FrameholdError, match=r'pip install "framehold\[hosted\]"'):
                backend_of(name, base_url="https://x.org").client("any")


def test_a_fal_client_that_would_repeat_submits_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    import fal_client.client

    monkeypatch.delattr(fal_client.client, "MAX_ATTEMPTS")
    with pytest.raises(FrameholdError, match="cannot be kept from repeating paid requests"):
        backend_of("fal").client("a/b")
