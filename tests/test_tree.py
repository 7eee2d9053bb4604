"""The folders of the tests mirror the packages of the library, as README.md says."""

from __future__ import annotations

import re
from pathlib import Path

from tests.checkout import project_root

LIBRARY = project_root() / "lib" / "creatorpool"
TESTS = project_root() / "tests"
TREE = (project_root() / "README.md").read_text("utf-8").split("## The tree")[1].split("```")[1]
OF_NO_PACKAGE = {"data", "integration"}


def folders(root: Path) -> set[str]:
    """The folders below `root` that have Python modules."""
    return {path.parent.relative_to(root).as_posix() for path in root.rglob("*.py")}


def test_readme_names_each_package_and_only_modules_that_exist() -> None:
    packages = {folder for folder in folders(LIBRARY) - {"."} if "/" not in folder}

    assert packages - set(re.findall(r"\w+", TREE)) == set()
    assert [name for name in re.findall(r"\w+\.py", TREE) if not [*LIBRARY.rglob(name)]] == []


def test_pages_name_only_python_files_that_exist() -> None:
    root = project_root()
    pages = [*root.glob("*.md"), *(root / "docs").rglob("*.md"), *TESTS.rglob("*.md")]
    named = {
        (page.name, path)
        for page in pages
        for path in re.findall(r"`((?:lib|jobs|tests|tools|benchmarks)/[a-z0-9_/]+\.py)`", page.read_text("utf-8"))
    }

    assert len(named) > 20
    assert [(page, path) for page, path in sorted(named) if not (root / path).exists()] == []


def test_promises_name_only_tests_that_exist() -> None:
    page = (project_root() / "docs" / "promises.md").read_text("utf-8")
    named = set(re.findall(r"`(tests/[^`:]+)(?:::(\w+))?`", page))

    assert len(named) > 40
    assert [path for path, _ in sorted(named) if not (project_root() / path).is_file()] == []
    assert [
        (path, test)
        for path, test in sorted(named)
        if test and not re.search(rf"^def {test}\(", (project_root() / path).read_text("utf-8"), re.MULTILINE)
    ] == []


def test_each_folder_of_tests_belongs_to_a_package() -> None:
    assert folders(TESTS) - folders(LIBRARY) - OF_NO_PACKAGE == set()


def test_each_package_has_a_folder_of_tests() -> None:
    packages = {folder for folder in folders(LIBRARY) if "/" not in folder}

    assert packages - folders(TESTS) == set()


def test_tests_named_after_a_module_are_at_its_place() -> None:
    """A test that is named after a module of `frames` is in the folder `frames`, and so on."""
    places: dict[tuple[str, str], set[str]] = {}
    for module in LIBRARY.rglob("*.py"):
        home = module.relative_to(LIBRARY).parent.as_posix()
        places.setdefault((home.split("/")[0], module.stem), set()).add(home)
    misplaced = []
    for test in TESTS.rglob("test_*.py"):
        place = test.relative_to(TESTS).parent.as_posix()
        homes = places.get((place.split("/")[0], test.stem.removeprefix("test_")))
        if homes and place not in homes:
            misplaced.append(f"{test.relative_to(TESTS)} tests a module of {sorted(homes)}")
    assert misplaced == []
