"""A day's delivery on disk: finds the files of each table and checks names, formats and columns before reading rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from pyspark.sql import DataFrame

from creatorpool.contracts import Contract
from creatorpool.errors import InputError
from creatorpool.quoting import shortened_list
from creatorpool.settlement.frames.conversion import CONVERSION_COLUMNS
from creatorpool.storage.files import irregularity
from creatorpool.storage.places import Place

REQUIRED_TABLES = ("ad_revenue", "viewers", "videos", "events")
SETTLEMENT_TABLES = ("video_rights", "holds", "appeals", "invalid_viewers", "fx_rates")
"""Optional tables about what becomes of money after the night; they have one row a key, whatever the day"""
OPTIONAL_TABLES = (
    *("creators", "entrants", "content_exposure", "drawer_positions", "delivery_guarantees"),
    *SETTLEMENT_TABLES,
)

PARQUET, JSON_LINES, CSV = "parquet", "jsonl", "csv"
_FORMAT_BY_SUFFIX = {".parquet": PARQUET, ".jsonl": JSON_LINES, ".json": JSON_LINES, ".csv": CSV}
# Folders beside the data files of a table with a log. Reading the files without the log would bring deleted rows back.
_TABLE_LOGS = {"_delta_log": "Delta", ".hoodie": "Hudi", "metadata": "Iceberg"}


@dataclass(frozen=True)
class LeftOut:
    """Numbers of records that became no row.

    They are `filtered`, of another day, `merged` into the row of another record, or of no day and in the quarantine of
    another day (`elsewhere`).
    """

    filtered: int = 0
    other_day: int = 0
    merged: int = 0
    elsewhere: int = 0

    def __add__(self, other: LeftOut) -> LeftOut:
        """The sums."""
        return LeftOut(
            self.filtered + other.filtered,
            self.other_day + other.other_day,
            self.merged + other.merged,
            self.elsewhere + other.elsewhere,
        )

    @property
    def total(self) -> int:
        """Number of all records that became no row."""
        return self.filtered + self.other_day + self.merged + self.elsewhere


@dataclass(frozen=True)
class LogTimes:
    """The times of all records of a log with several days.

    `rows` have `event_ts`, NULL where it cannot be read, and `file`, a position in `names`, NULL where it is not known.
    """

    rows: DataFrame
    names: tuple[str, ...]


@dataclass(frozen=True)
class Delivery:
    """One table as it was delivered.

    Each frame of `parts` has the contract's columns except those in `absent`: in its own types, or as text (`is_text`)
    with the whole record in `raw_row`. Frames of `typed` are the other rows: they come from staged files that have the
    contract's types, and the delivered text beside them. `left_out` counts records that are in neither, and `dateless`
    those in `parts` that belong to no day, though their log holds several days. With `staging`, `parts` are converted
    once and kept in that folder, because each query would convert them again. `times` are those of all records of
    events, where `parts` have those of the day only. `origins` say how a mapping makes the columns.
    """

    table: str
    parts: tuple[DataFrame, ...]
    typed: tuple[DataFrame, ...] = ()
    absent: tuple[str, ...] = ()
    is_text: bool = False
    left_out: LeftOut = field(default_factory=LeftOut)
    dateless: int = 0
    staging: Place | None = None
    times: tuple[LogTimes, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)

    def columns_of(self, contract: Contract) -> tuple[str, ...]:
        """Names of the contract's columns that the delivery has."""
        return tuple(name for name in contract.column_names if name not in self.absent)


@dataclass(frozen=True)
class TableFiles:
    """The files of one table, all of one format."""

    table: str
    format: str
    paths: tuple[Place, ...]

    @property
    def place(self) -> Place:
        """The file, or the folder if there are several files."""
        return self.paths[0] if len(self.paths) == 1 else self.paths[0].parent


def find_files(source: Place, table: str) -> TableFiles | None:
    """The files of `table` in folder `source`, sorted by name, or None if there are none.

    In the table's own folder, names that begin with `_` or `.` are skipped, because writers leave such marks. All other
    entries must be readable files.

    Raises
    ------
    InputError
        If `source` is not a folder; if the table is present twice, or has no file, several formats or an unknown
        format; if an entry of its folder cannot be read as a file; if the folder is a Delta, Iceberg or Hudi table.
    """
    entries = [entry for entry in _entries(source, "source") if _names_table(entry.name, table)]
    if not entries:
        return None
    if len(entries) > 1:
        raise InputError(
            f"{table}: {source} has it more than once: {shortened_list(e.name for e in entries)}; keep one of them"
        )
    return _files_of(table, entries[0], _parts(entries[0], table) if entries[0].is_dir() else entries)


def require_files(source: Place, table: str) -> TableFiles:
    """The same as `find_files`, but InputError if there are no files."""
    files = find_files(source, table)
    if files is None:
        present = shortened_list(entry.name for entry in _entries(source, table))
        raise InputError(
            f"{table}: {source} has no {table}.parquet, .jsonl, .json or .csv (or .gz of these), and no folder "
            f"{table}/; it has {present}"
        )
    return files


def given_files(source: Place, table: str) -> TableFiles:
    """The files of `table` in `source`: a file of any name, a folder of a day's delivery, or the table's own folder.

    Raises
    ------
    InputError
        As `find_files`; also if `source` does not exist.
    """
    if not source.exists():
        raise InputError(f"{table}: --source {source} does not exist")
    if source.is_file():
        _require_file(source, table)
        return TableFiles(table, _format_of(source, table), (source,))
    found = find_files(source, table)
    return found or _files_of(table, source, _parts(source, table))


def delivered_files(source: Place, mapped: Collection[str] = ()) -> list[TableFiles]:
    """The files of all tables in `source` but the `mapped` ones, which a mapping makes from files of its own.

    Raises
    ------
    InputError
        If a required table is missing, and as `find_files`.
    """
    found = [require_files(source, table) for table in REQUIRED_TABLES if table not in mapped]
    optional = [table for table in OPTIONAL_TABLES if table not in mapped]
    return found + [files for table in optional if (files := find_files(source, table))]


def unread_entries(source: Place) -> list[str]:
    """Names of entries of `source` that belong to no table, without those that begin with `_` or `.`."""
    tables = (*REQUIRED_TABLES, *OPTIONAL_TABLES)
    names = [entry.name for entry in _entries(source, "source") if not _is_mark(entry)]
    return [name for name in names if not any(_names_table(name, table) for table in tables)]


def require_columns(
    got: Sequence[str], contract: Contract, place: Place, optional: Sequence[str] = (), *, quote: bool = True
) -> None:
    """Check that `got`, the columns of a delivered file, has each column of the contract once and no other column.

    Columns in `optional` may be missing. Without `quote`, names that are not in the contract are counted and not shown,
    because they may be a viewer's data.

    Raises
    ------
    InputError
        If the columns differ; the message names the expected and the delivered columns.
    """
    expected = list(contract.column_names)
    known, times = set(expected), Counter(got)
    missing = [name for name in expected if name not in times and name not in optional]
    extra = [name for name in times if name not in known]
    twice = sorted(name for name, number in times.items() if number > 1 and (quote or name in known))
    faults = [f"missing columns {missing}"] if missing else []
    faults += [f"columns not in the contract {_shown(extra, quote=quote)}"] if extra else []
    faults += [f"columns given twice {shortened_list(twice)}"] if twice else []
    if faults:
        may_lack = f" ({list(optional)} may be left out)" if optional else ""
        found = f", got {shortened_list(got)}" if quote else ""
        raise InputError(f"{contract.name}: {place}: {', '.join(faults)}; expected {expected}{may_lack}{found}")


def optional_columns(contract: Contract) -> tuple[str, ...]:
    """Columns that a delivery may leave out.

    They are `date` of events, which follows from the event's time, and the columns of revenue that ingestion fills.
    """
    return {"events": ("date",), "ad_revenue": CONVERSION_COLUMNS}.get(contract.name, ())


def needed_columns(contract: Contract) -> list[str]:
    """Columns that a delivery must have."""
    return [name for name in contract.column_names if name not in optional_columns(contract)]


def delivered_key(contract: Contract) -> tuple[str, ...]:
    """Columns that no two delivered rows share: the contract's key, with the currency of revenue as delivered."""
    return tuple("currency" if name == "original_currency" else name for name in contract.key)


def _shown(names: Sequence[str], *, quote: bool) -> str:
    return shortened_list(names) if quote else f"({len(names)}, not shown as ingest.hash_viewer_ids is on)"


def _entries(folder: Place, what: str) -> list[Place]:
    if not folder.is_dir():
        raise InputError(f"{what} {folder} is not a folder")
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise InputError(f"{what}: folder {folder} cannot be listed: {error.strerror or error}") from error


def _files_of(table: str, place: Place, paths: Sequence[Place]) -> TableFiles:
    for path in paths:
        _require_file(path, table)
    formats = {_format_of(path, table) for path in paths}
    if len(formats) != 1:
        raise InputError(f"{table}: {place} must hold files of one format, got {sorted(formats) or 'no file'}")
    return TableFiles(table, formats.pop(), tuple(paths))


def _names_table(name: str, table: str) -> bool:
    return name == table or any(name.removesuffix(".gz") == table + suffix for suffix in _FORMAT_BY_SUFFIX)


def _is_mark(entry: Place) -> bool:
    # Writers leave marks such as _SUCCESS and .crc beside the data.
    return entry.name[0] in "._"


def _parts(folder: Place, table: str) -> list[Place]:
    entries = _entries(folder, table)
    for entry in entries:
        if entry.name in _TABLE_LOGS and entry.is_dir():
            raise InputError(
                f"{table}: {folder} is a {_TABLE_LOGS[entry.name]} table, because it has {entry.name}/; its files may "
                f"contain deleted rows: deliver the current rows as plain files"
            )
    return [entry for entry in entries if not _is_mark(entry)]


def _require_file(path: Place, table: str) -> None:
    if fault := irregularity(path):
        raise InputError(f"{table}: {path} {fault}")


def _format_of(path: Place, table: str) -> str:
    is_compressed = path.suffix == ".gz"
    found = _FORMAT_BY_SUFFIX.get(PurePosixPath(path.stem).suffix if is_compressed else path.suffix)
    if found is None or (is_compressed and found == PARQUET):
        raise InputError(
            f"{table}: {path} has an unknown format: its name must end in .parquet, .jsonl, .json or .csv (or .gz of "
            f"the last three)"
        )
    return found
