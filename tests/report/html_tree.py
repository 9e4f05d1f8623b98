"""A page as a tree, so that tests can ask for what a reader would find."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "img", "input", "hr", "path", "use", "rect"}


@dataclass
class Node:
    """An element; text is kept as nodes without a tag."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node] = field(default_factory=list)
    own_text: str = ""

    @property
    def text(self) -> str:
        """All text in it, white space collapsed."""
        return " ".join(self.raw().split())

    def raw(self) -> str:
        """All text in it, as written."""
        return self.own_text + "".join(child.raw() for child in self.children)

    @property
    def classes(self) -> list[str]:
        """Its classes."""
        return self.attributes.get("class", "").split()

    def walk(self) -> Iterator[Node]:
        """Every element in it, in order."""
        for child in self.children:
            yield child
            yield from child.walk()

    def all(self, tag: str = "", css: str = "", **attributes: str) -> list[Node]:
        """Elements of that tag, class and attributes; `data_label` stands for data-label."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [
            node
            for node in self.walk()
            if node.tag
            and (not tag or node.tag == tag)
            and (not css or css in node.classes)
            and all(node.attributes.get(name) == value for name, value in wanted.items())
        ]

    def one(self, tag: str = "", css: str = "", **attributes: str) -> Node:
        """The only such element."""
        found = self.all(tag, css, **attributes)
        if len(found) != 1:
            raise ValueError(f"expected one {tag}.{css} {attributes}, got {len(found)}")
        return found[0]


class _Builder(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("document")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs})
        if len(node.attributes) < len(attrs):
            raise ValueError(f"<{tag}> has an attribute twice")
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:  # <path><title/></path>: its title was told as a neighbour
            return
        if self.open[-1].tag != tag:
            raise ValueError(f"</{tag}> closes <{self.open[-1].tag}>")
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(Node("", own_text=data))


def read_page(path: Path) -> Node:
    """The tree of an HTML file. Raises ValueError when its tags do not nest."""
    builder = _Builder()
    builder.feed(path.read_text(encoding="utf-8"))
    builder.close()
    if len(builder.open) != 1:
        raise ValueError(f"<{builder.open[-1].tag}> is never closed")
    return builder.open[0]
