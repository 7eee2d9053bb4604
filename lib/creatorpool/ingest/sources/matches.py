"""Finds the files that seem to feed each table, and says what the nearest file lacks where none does."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from creatorpool.errors import InputError
from creatorpool.ingest.sources.groups import FileGroup
from creatorpool.ingest.sources.guesses import NAMES, recognised
from creatorpool.quoting import quoted, shortened_list
from creatorpool.spelling import did_you_mean
from creatorpool.storage.places import Place

_ESSENTIAL = {
    "events": {"viewer_id": "viewer", "video_id": "video", "event_ts": "time"},
    "videos": {"video_id": "video", "length_ms": "length"},
    "viewers": {"viewer_id": "viewer", "trust_tier": "trust tier"},
    "ad_revenue": {"category": "category", "revenue_micros": "revenue"},
}
"""Columns that a file must have to be taken for a table, with their names in messages"""


@dataclass(frozen=True)
class Guess:
    """A table, the files that seem to feed it, and the columns that seem to be the table's."""

    table: str
    file: FileGroup
    columns: dict[str, str]
    is_derived: bool = False
    """The table has no file of its own: its rows are the ids in the file of events"""

    @property
    def found(self) -> list[str]:
        """Essential columns of the table that the files have."""
        return [name for name in _ESSENTIAL[self.table] if name in self.columns]

    @property
    def is_complete(self) -> bool:
        """Whether the files have all essential columns."""
        return len(self.found) == len(_ESSENTIAL[self.table])

    def account(self) -> str:
        """Which column is which, and what is missing: ``log.csv: viewer is in 'uid'; no column is its time``."""
        names = _ESSENTIAL[self.table]
        found = ", ".join(f"{names[name]} is in '{quoted(self.columns[name])}'" for name in self.found)
        missing = " or ".join(label for name, label in names.items() if name not in self.columns)
        return f"{quoted(self.file.label)}: {'; '.join(filter(None, (found, f'no column looks like its {missing}')))}"


def matches(folder: Place, files: Sequence[FileGroup], given: Mapping[str, str] | None = None) -> list[Guess]:
    """The guess for each table that has one, that of events first; `given` as in `recognised`.

    Files that have the viewer, and the video or the time, are taken for events if no file has all three.

    Raises
    ------
    InputError
        If no file has as much; the message says what the nearest file has and lacks.
    """
    _require_columns(files, given or {})
    events = nearest("events", files, given=given)
    if events is None or "viewer_id" not in events.found or len(events.found) < 2:
        raise InputError(_no_log(folder, files, events))
    others = ("viewers", "videos", "ad_revenue")
    return [events, *(guess for table in others for guess in _match(table, files, events, given))]


def nearest(
    table: str, files: Sequence[FileGroup], taken: Collection[str] = (), given: Mapping[str, str] | None = None
) -> Guess | None:
    """The guess with the most essential columns, then the most columns; None if no file has an essential one.

    Files with a pattern in `taken` feed another table already.
    """
    free = (file for file in files if file.patterns[0] not in taken)
    guesses = [Guess(table, file, recognised(table, file.columns, given)) for file in free]
    likely = [guess for guess in guesses if guess.found]
    return max(likely, key=lambda guess: (len(guess.found), len(guess.columns)), default=None)


def _match(table: str, files: Sequence[FileGroup], events: Guess, given: Mapping[str, str] | None) -> Iterator[Guess]:
    """The nearest file if it is complete; else, for viewers and videos, the ids in the file of events."""
    own = nearest(table, files, events.file.patterns, given)
    key = {"viewers": "viewer_id", "videos": "video_id"}.get(table)
    if own is not None and own.is_complete:
        yield own
    elif key in events.columns:
        yield Guess(table, events.file, recognised(table, events.file.columns, given), is_derived=True)


def _require_columns(files: Sequence[FileGroup], given: Mapping[str, str]) -> None:
    """Raise InputError if a column of ours in `given` is unknown, or no file has the column that is to be it."""
    ours = sorted({name for columns in NAMES.values() for name in columns})
    theirs = sorted({name for file in files for name in file.columns})
    for wanted, name in given.items():
        if wanted not in ours:
            raise InputError(f"--column {wanted}={name}: no table has '{wanted}'{did_you_mean(wanted, ours)}")
        if name not in theirs:
            guess = did_you_mean(name, theirs) or ":"
            raise InputError(f"--column {wanted}={name}: no file has '{name}'{guess} {shortened_list(theirs)}")


def _no_log(folder: Place, files: Sequence[FileGroup], best: Guess | None) -> str:
    problem = f"no file of {folder} looks like a log of views (viewer, video, time)"
    if best is None:
        return f"{problem}: it has {shortened_list(name for file in files for name in file.columns)}"
    return (
        f"{problem}. The nearest is {best.account()}. It has {shortened_list(best.file.columns)}. Add the log that has "
        f"it; or, if one of these columns is it, name it with {_missing_names(best)}"
    )


def _missing_names(guess: Guess) -> str:
    return " or ".join(f"--column {name}=NAME" for name in _ESSENTIAL[guess.table] if name not in guess.columns)
