"""Reads the numbers of a statement's page back, as a reader of the page sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


def micros_of(text: str) -> int:
    """The amount of a cell such as ``−1,234.567890``."""
    return int(text.replace("−", "-").replace(",", "").replace(".", ""))


@dataclass
class Line:
    """A line of the page with its pools, each with its videos: texts and micros."""

    text: str
    micros: int
    pools: list[tuple[str, int, list[tuple[str, int]]]] = field(default_factory=list)


class StatementPage(HTMLParser):
    """The sums at the top, from the opening to the closing, and the lines, of a page with one currency."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.sums: list[tuple[str, int]] = []
        self.lines: list[Line] = []
        self.links: list[str] = []
        self._within: list[str] = []
        self._cells: list[str] | None = None
        self._is_pool, self._row = False, ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = dict(attrs)
        kind = of.get("class") or ""
        self.links += [value for name in ("href", "src") if (value := of.get(name))]
        if tag in ("tr", "summary") or kind == "line":
            self._cells, self._is_pool = [], kind == "sum"
            self._row = tag
        elif self._cells is not None and (tag in ("td", "th") or (tag == "span" and kind != "note")):
            self._cells.append("")
        if tag in ("table", "details"):
            self._within.append(kind or tag)

    def handle_data(self, data: str) -> None:
        if self._cells:
            self._cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        if self._cells is not None and tag == self._row:
            self._end(self._cells)
            self._cells = None
        if tag in ("table", "details"):
            self._within.pop()

    def _end(self, cells: list[str]) -> None:
        if self._row != "tr":
            self.lines.append(Line(cells[1], micros_of(cells[2])))
        elif self._within[-1] == "sums":
            self.sums.append((cells[0], micros_of(cells[1])))
        elif "details" in self._within and self._is_pool:
            self.lines[-1].pools.append((cells[0], micros_of(cells[1]), []))
        elif "details" in self._within:
            self.lines[-1].pools[-1][2].append((cells[0], micros_of(cells[1])))

    def require_sums(self) -> None:
        """Check that videos sum to pools, pools to lines, and lines and opening to the closing."""
        opening, *kinds, closing = (micros for _, micros in self.sums)
        assert opening + sum(kinds) == closing
        assert opening + sum(line.micros for line in self.lines) == closing
        for line in self.lines:
            if line.pools:
                assert sum(micros for _, micros, _ in line.pools) == line.micros, line.text
            for pool, micros, videos in line.pools:
                assert sum(own for _, own in videos) == micros, (line.text, pool)
