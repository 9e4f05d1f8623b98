"""What a clip costs at most, from prices.toml: each price with its source and its date."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from bench.records import Json

TABLE = Path(__file__).with_name("prices.toml")


@dataclass(frozen=True)
class Price:
    """A row of the table. It holds for the arguments in `when` and the values listed there."""

    model: str
    read: str
    source: str
    usd_per_second: float | None = None
    usd_per_clip: float | None = None
    when: dict[str, list[Any]] = field(default_factory=dict)

    def usd(self, seconds: float) -> float:
        """What a clip of that length costs."""
        return self.usd_per_clip if self.usd_per_clip is not None else (self.usd_per_second or 0.0) * seconds

    @property
    def said(self) -> str:
        """Who says so, and when."""
        return f"{self.source} (read {self.read})"


def find_price(model: str, arguments: Json) -> Price | None:
    """The price of that model, named `backend/model`, with these arguments; None where nobody says.

    >>> find_price("runway/gen4.5", {"outputFormat": "png_sequence"}).usd(5)
    1.5
    >>> find_price("runway/kling_4", {}) is None
    True
    """
    for price in _table():
        fits = all(name in arguments and arguments[name] in values for name, values in price.when.items())
        if price.model == model and fits:
            return price
    return None


@cache
def _table() -> tuple[Price, ...]:
    rows = tomllib.loads(TABLE.read_text(encoding="utf-8"))["price"]
    prices = tuple(Price(**row) for row in rows)
    for price in prices:
        if (price.usd_per_second is None) == (price.usd_per_clip is None):
            raise ValueError(f"{TABLE}: expected {price.model} to cost either usd_per_second or usd_per_clip")
    return prices
