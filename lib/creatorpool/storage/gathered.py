"""The rows of a ledger in one file, beside the ledger's own files, of which there is one a day.

To read the files of years costs seconds, and every run reads the ledgers. So writers gather the rows now and then. Each
row has the name of the file that it comes from. Delta never changes a file and never uses a name twice, so gathered
rows of a file are those of the file, in every version of the table that has it. A reader reads files whose rows are not
gathered themselves; without the gathered file it reads all of them.
"""

from __future__ import annotations

import io
import logging

import pyarrow as pa
import pyarrow.parquet as pq

from creatorpool.storage.files import write_whole
from creatorpool.storage.opened import FILE
from creatorpool.storage.places import Place

logger = logging.getLogger("creatorpool")

LEDGERS = frozenset({"stage_runs", "allocation_runs"})
"""Tables whose rows are gathered, and kept in memory once they are read"""

_FILE = pa.field("file", pa.string())
"""The column with the file of a row, named from the table's folder"""


def read_gathered(table: Place, schema: pa.Schema) -> pa.Table:
    """The gathered rows of `table`, and `FILE`, named from the table's folder; none if they do not have `schema`.

    A gathered file that is missing or damaged has no rows: the files of the table have them all.
    """
    none = schema.append(_FILE).empty_table()
    try:
        with pq.ParquetFile(pa.BufferReader(_place(table).read_bytes())) as file:
            rows = file.read()
    except FileNotFoundError:
        return _named(none)
    except (OSError, pa.ArrowException) as error:
        logger.warning("%s is not used: %s; the next runs write it again", _place(table), error)
        return _named(none)
    return _named(rows if rows.schema == none.schema else none)  # the contract may have gained a column


def write_gathered(table: Place, rows: pa.Table) -> None:
    """Gather `rows`, which are as `read_gathered` returns them.

    A failure is only logged: the table has all rows.
    """
    if not rows.num_rows:
        return
    data = io.BytesIO()
    pq.write_table(rows.rename_columns([*rows.column_names[:-1], _FILE.name]), data)
    try:
        write_whole(_place(table), data.getvalue())
    except OSError as error:
        logger.warning("%s cannot be written, so reading the ledger takes longer: %s", _place(table), error)


def _named(rows: pa.Table) -> pa.Table:
    return rows.rename_columns([*rows.column_names[:-1], FILE])


def _place(table: Place) -> Place:
    # Delta's vacuum leaves folders alone whose names begin with an underscore.
    return table / "_gathered" / "rows.parquet"
