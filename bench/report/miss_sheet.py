"""A page of misses: a card each, with what was said of a clip and a few of its frames. One file that needs no other."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

from bench.report.filmstrips import Box, box_of, jpeg_size, turn_by_turn
from bench.report.templates import environment

MOST_BYTES = 2_100_000  # of JPEG: a third more as text, and the page stays under 3 MB


@dataclass(frozen=True)
class Cell:
    """One picture of a card: its place in the strip (from 0), what it is, a word that marks it, a region in a box."""

    place: int
    what: str
    mark: str = ""
    region: Sequence[float] | None = None


@dataclass(frozen=True)
class Card:
    """One miss: a heading, what is said of it, the clip's name, and a JPEG of `pictures` pictures side by side.

    With `paired`, cells come two by two and are shown above each other. An empty strip shows no pictures.
    """

    title: str
    lines: tuple[str, ...]
    clip: str
    strip: bytes
    pictures: int
    cells: tuple[Cell, ...]
    paired: bool = True


@dataclass(frozen=True)
class Section:
    """Cards under one heading, and in words how many there are of how many."""

    title: str
    told: str
    cards: tuple[Card, ...]


@dataclass(frozen=True)
class ShownCell:
    """A cell as the page prints it: positions in per cent."""

    position: str
    what: str
    mark: str
    box: Box | None


@dataclass(frozen=True)
class ShownCard:
    """A card as the page prints it; without `uri` it has no pictures."""

    card: Card
    uri: str | None
    aspect: str
    cells: tuple[ShownCell, ...]


def miss_sheet(title: str, lede: str, explain: Sequence[str], sections: Sequence[Section]) -> str:
    """The HTML of a page of misses. Pictures beyond `MOST_BYTES` are left out, the last cards of sections first."""
    chosen = _chosen(sections)
    shown = [
        (section, [_shown(card, (row, number) in chosen) for number, card in enumerate(section.cards)])
        for row, section in enumerate(sections)
    ]
    left_out = sum(card.uri is None and bool(card.card.strip) for _, cards in shown for card in cards)
    template = environment().get_template("misses.html")
    return template.render(title=title, lede=lede, explain=explain, sections=shown, left_out=left_out)


def _chosen(sections: Sequence[Section]) -> set[tuple[int, int]]:
    """Which cards show their pictures, as (section, card), turn by turn over the sections."""
    chosen, room = set(), MOST_BYTES
    for row, number in turn_by_turn([[(row, k) for k in range(len(one.cards))] for row, one in enumerate(sections)]):
        room -= len(sections[row].cards[number].strip)
        if room < 0:
            break
        chosen.add((row, number))
    return chosen


def _shown(card: Card, chosen: bool) -> ShownCard:
    size = jpeg_size(card.strip)
    if not chosen or size is None or not card.cells:
        return ShownCard(card, None, "1", ())
    last = max(card.pictures - 1, 1)
    cells = tuple(
        ShownCell(f"{100 * cell.place / last:.3f}", cell.what, cell.mark, box_of(cell.region) if cell.region else None)
        for cell in card.cells
    )
    uri = f"data:image/jpeg;base64,{base64.b64encode(card.strip).decode()}"
    return ShownCard(card, uri, f"{size[0] / card.pictures / size[1]:.4f}", cells)
