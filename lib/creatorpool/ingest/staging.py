"""The folder for staged copies of delivered files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from creatorpool.storage.files import remove_tree
from creatorpool.storage.places import Place


@contextmanager
def staging_folder(root: Place, run_id: str) -> Iterator[Place]:
    """A folder for the run's copies beside the tables under `root`, which is deleted when the block ends.

    Every executor can read it. `root` must be as the engine is given it. Copies that killed runs left are deleted
    first: only one ingestion of a root runs at a time.
    """
    place = root / "_staging"
    remove_tree(place)
    try:
        yield place / run_id
    finally:
        remove_tree(place)
