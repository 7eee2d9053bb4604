"""The rows of a ledger in one file, beside the ledger's own files, of which there is one a day.

To read the files of years costs seconds, and every run reads the ledgers. So writers gather the rows now and then. Each
row has the name of the file that it comes from. Delta never changes a file and never uses a name twice, so gathered
rows of a file are those of the file, in every version of the table that has it. A reader reads files whose rows are not
gathered themselves; without the gathered file it reads all of them.
"""

from __future__ import annotations

import io
import json
import logging
from dataclasses import asdict
from hashlib import sha256

import pyarrow as pa
from pyarrow import ipc

from creatorpool.storage.files import write_whole
from creatorpool.storage.ledger_files import LedgerFiles
from creatorpool.storage.opened import FILE
from creatorpool.storage.places import Place

logger = logging.getLogger("creatorpool")

LEDGERS = frozenset({"stage_runs", "allocation_runs"})
"""Tables whose rows are gathered, and kept in memory once they are read"""

_OF = b"creatorpool.files"
"""Key of the version whose rows these are, and its files"""

_DIGEST_BYTES = 32
"""A gathered file begins with the SHA-256 of the rest, because runs take from these rows what is published"""

_FILE = pa.field("file", pa.string())
"""The column with the file of a row, named from the table's folder"""


def read_gathered(table: Place, schema: pa.Schema) -> tuple[pa.Table, LedgerFiles | None]:
    """The gathered rows of `table` with `FILE`, named from the table's folder, and the files of their version.

    There are no rows if they do not have `schema`, because the contract has gained a column. A gathered file that is
    missing or damaged has no rows, too: the files of the table have them all.
    """
    none = schema.append(_FILE).empty_table()
    try:
        stored = _place(table).read_bytes()
    except FileNotFoundError:
        return _named(none), None
    except OSError as error:
        logger.warning("%s is not used: %s", _place(table), error)
        return _named(none), None
    digest, data = stored[:_DIGEST_BYTES], stored[_DIGEST_BYTES:]
    if sha256(data).digest() != digest:
        logger.warning("%s is not used, because it is damaged; the next runs write it again", _place(table))
        return _named(none), None
    rows = ipc.open_file(data).read_all()
    if rows.schema != none.schema:
        return _named(none), None
    return _named(rows.replace_schema_metadata()), LedgerFiles(**json.loads(rows.schema.metadata[_OF]))


def write_gathered(table: Place, rows: pa.Table, of: LedgerFiles) -> None:
    """Gather `rows`, those of all files of a version, which are as `read_gathered` returns them.

    A failure is only logged: the table has all rows.
    """
    if not rows.num_rows:
        return
    data = io.BytesIO()
    named = rows.rename_columns([*rows.column_names[:-1], _FILE.name])
    described = named.replace_schema_metadata({_OF: json.dumps(asdict(of))})
    # Every command reads these rows, and Arrow's own format is read faster than Parquet.
    with ipc.new_file(data, described.schema, options=ipc.IpcWriteOptions(compression="lz4")) as file:
        file.write_table(described)
    content = data.getvalue()
    try:
        write_whole(_place(table), sha256(content).digest() + content)
    except OSError as error:
        logger.warning("%s cannot be written, so reading the ledger takes longer: %s", _place(table), error)


def _named(rows: pa.Table) -> pa.Table:
    return rows.rename_columns([*rows.column_names[:-1], FILE])


def _place(table: Place) -> Place:
    # Delta's vacuum leaves folders alone whose names begin with an underscore.
    return table / "_gathered" / "rows.cache"
