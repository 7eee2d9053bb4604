"""The changelog has the form of Keep a Changelog, and its newest version is the package's."""

from __future__ import annotations

import re
import tomllib

from tests.checkout import project_root

TEXT = (project_root() / "CHANGELOG.md").read_text("utf-8")
KINDS = ("Payouts that change", "Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
VERSIONS = re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]


def test_every_version_has_a_number_and_a_date_and_the_newest_is_the_packages() -> None:
    headings = [text.split("\n", 1)[0] for text in VERSIONS]
    numbers = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (Unreleased|\d{4}-\d{2}-\d{2})", heading) for heading in headings]
    assert all(numbers), headings
    assert not [heading for heading in headings[1:] if "Unreleased" in heading]

    ordered = [tuple(map(int, found[1].split("."))) for found in numbers if found]
    assert ordered == sorted(set(ordered), reverse=True)
    package = tomllib.loads((project_root() / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert headings[0].startswith(f"[{package}]")


def test_every_kind_of_change_is_a_known_one_once_in_order_and_has_entries() -> None:
    for version in VERSIONS:
        kinds = re.findall(r"^### (.*)$", version, flags=re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds]
        for section in re.split(r"^### ", version, flags=re.MULTILINE)[1:]:
            _, *lines = section.strip().split("\n")
            assert [line for line in lines if line.startswith("- ")]
            assert not [line for line in lines if line and not line.startswith(("- ", "  "))]
