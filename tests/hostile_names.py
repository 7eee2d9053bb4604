"""Names that a platform may deliver, and that markup, pages, charts and logs could misread."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import strategies as st

ALLOWED = (
    "[/red]x",
    "[bold]x[/bold]",
    "[link=javascript:alert(1)]x[/link]",
    ":heart:",
    "\\",
    "[\\",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<!--",
    "</svg></figure><img src=x onerror=alert(1)>",
    'id="clip0"',
    "url(#a)",
    "a&b\"'",
    "&lt;b&gt;",
    "a|b",
    "a,b",
    "100%",
    "%s %(x)s %00 %20",
    "{{ 7*7 }}{% raw %}",
    "{code}",
    "$name ${name}",
    "=1+1",
    "../up",
    "--help",
    "#?*~",
    "\u200fعربى",
    "\u202edesrever\u202c",
    "👩‍👩‍👧 🏳️‍🌈",
    "x" * 3_000,
    "long name " * 300 + ".",
    "datum['x']",
    "NULL",
)
"""None breaks a rule of a contract."""

UNPRINTABLE = tuple(
    f"a{chr(code)}b" for code in (0, 1, 7, 9, 10, 11, 13, 27, 0x7F, 0x85, 0x2028, 0x2029, 0xFFFE, 0xFFFF)
)
"""Each breaks `<column>_printable`; days that were published before that rule may hold them."""

NAMES = st.one_of(
    st.sampled_from(ALLOWED + UNPRINTABLE),
    st.text(st.characters(), min_size=1, max_size=30),
    st.text(st.sampled_from(list("[]/\\<>&\"'{}%$#:=;! ab\n\r\t\x00\x1b\x85\u2028\u202e\ud800\ufffe")), min_size=1),
)
"""Also lone surrogates, which no table holds but a command line may."""


class Structure(HTMLParser):
    """Elements of a page with their attributes' names, in order, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.text: list[str] = []
        self.comments: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)
