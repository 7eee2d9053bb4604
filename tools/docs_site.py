"""A hook of MkDocs: adds files outside docs/ to the site, without a second copy in git.

README.md is the first page; the changelog and the guide for contributors are pages; conf/ and data_contracts/ are
files to link to. Links between them and docs/ work in the repository as well as in the site.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PROJECT = Path(__file__).resolve().parents[1]
PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "LICENSE": "license.txt",
}
"""Paths in the site, by path in the repository."""
FOLDERS = ("conf", "data_contracts")

_LINK = re.compile(r"(?<=\]\()(?!\w+:|#)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files from outside docs/."""
    for place, name in PAGES.items():
        files.append(File.generated(config, name, content=_with_site_links((PROJECT / place).read_text("utf-8"), "")))
    for folder in FOLDERS:
        for path in sorted((PROJECT / folder).rglob("*.yaml")):
            name = path.relative_to(PROJECT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    names = sorted(path.name for path in (PROJECT / "data_contracts").glob("*.yaml"))
    listed = "\n".join(f"- [{name}]({name})" for name in names)
    page = f"# Files of the contracts\n\nOne file a table, as [contracts](../contracts.md) explains.\n\n{listed}\n"
    files.append(File.generated(config, "data_contracts/index.md", content=page))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite links of pages in docs/ to files outside docs/, so that they lead to the site's copies."""
    if page.file.generated_by:
        return markdown
    folder = posixpath.dirname(page.file.src_uri)
    return _with_site_links(markdown, posixpath.join("docs", folder), folder)


def _with_site_links(text: str, folder: str, site_folder: str = "") -> str:
    """`text` with its links, which are those of a file in `folder` of the repository, rewritten for `site_folder`."""

    def on_site(link: re.Match[str]) -> str:
        place = posixpath.normpath(posixpath.join(folder, link[1]))
        shown = f"{place}/index.md" if place in FOLDERS else PAGES.get(place, place.removeprefix("docs/"))
        return posixpath.relpath(shown, site_folder or ".")

    return _LINK.sub(on_site, text)
