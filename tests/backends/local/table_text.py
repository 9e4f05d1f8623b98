"""The table of docs/local.md, written from the table of the package: run this file to print it."""

from __future__ import annotations

from bench.backends.local.table import DIFFUSERS, IMAGE_MODELS, LocalModel

BEGIN, END = "<!-- table -->", "<!-- end of table -->"


def table_lines() -> list[str]:
    """The rows as Markdown."""
    head = ["| model | repository | frames, rule | fps | size h x w | steps | guidance | type | GPU memory | licence |"]
    rows = [_line(f"`{name}`", row) for name, row in DIFFUSERS.items()]
    rows += [_line(f"`text2video-zero/{name}`, `stable-diffusion/{name}`", row) for name, row in IMAGE_MODELS.items()]
    return [*head, "|---|---|---|---|---|---|---|---|---|---|", *rows]


def _line(name: str, row: LocalModel) -> str:
    parts = "".join(f" + {part.repo}" for part in row.parts.values())
    kinds = row.dtype + "".join(f", {part} {dtype}" for part, dtype in row.dtypes.items())
    memory = f"{row.memory_gb:g} GB" if row.memory_gb else "not known"
    if row.reported_gb:
        memory = f"{row.reported_gb:g} GB reported"
    licence = f"{row.licence}: {row.restriction}" if row.restriction else row.licence
    size = f"{row.height} x {row.width}"
    cells = [name, row.repo + parts, f"{row.frames}, {row.rule}", f"{row.fps:g}", size, str(row.steps)]
    return "| " + " | ".join([*cells, f"{row.guidance:g}", kinds, memory, licence]) + " |"


if __name__ == "__main__":
    print("\n".join(table_lines()))  # noqa: T201
