"""The architectures at full size, without memory for them: as large as the published ones, and counted right."""

from __future__ import annotations

import pytest

from bench.backends.local.table import DIFFUSERS, IMAGE_MODELS
from tools.count_operations import build, count

ROWS = {**DIFFUSERS, **IMAGE_MODELS}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("modelscope", 1.411e9),
        ("wan2.1-1.3b", 1.419e9),
        ("latte", 4.23e9 / 4),  # the file of its weights on the hub has 4.23 GB of 4 bytes each
        ("sd-1.5", 0.8595e9),
        ("cogvideox-2b", 1.694e9),
    ],
)
def test_a_denoiser_has_as_many_parameters_as_the_published_one(name: str, parameters: float) -> None:
    denoiser, _ = build(ROWS[name])
    assert sum(tensor.numel() for tensor in denoiser.parameters()) == pytest.approx(parameters, rel=1e-3)


@pytest.mark.slow
def test_the_operations_in_the_table_are_those_counted() -> None:
    row = ROWS["modelscope"]
    assert count(row) == pytest.approx(row.operations, rel=0.005)
