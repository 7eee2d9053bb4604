"""The rows of a ledger in one file, beside the ledger's own files, of which there is one a day.

To read the files of years costs seconds, and every run reads the ledgers. So writers gather the rows now and then. Each
row has the name of the file that it comes from. Delta never changes a file and never uses a name twice, so gathered
rows of a file are those of the file, in every version of the table that has it. A reader reads files whose rows are not
gathered themselves; without the gathered file it reads all of them.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from creatorpool.storage.files import write_whole
from creatorpool.storage.opened import by_file
from creatorpool.storage.places import Place

logger = logging.getLogger("creatorpool")

LEDGERS = frozenset({"stage_runs", "allocation_runs"})
"""Tables whose rows are gathered, and kept in memory once they are read"""

_FILE = pa.field("file", pa.string())
"""The column with the file of a row, named from the table's folder"""


def read_gathered(table: Place, schema: pa.Schema) -> dict[str, pa.Table]:
    """The gathered rows of `table` by file, named from the table's folder; none if they do not have `schema`.

    A gathered file that is missing or damaged has no rows: the files of the table have them all.
    """
    try:
        with pq.ParquetFile(pa.BufferReader(_place(table).read_bytes())) as file:
            rows = file.read()
    except FileNotFoundError:
        return {}
    except (OSError, pa.ArrowException) as error:
        logger.warning("%s is not used: %s; the next runs write it again", _place(table), error)
        return {}
    if rows.schema != schema.append(_FILE):
        return {}  # the contract has gained a column
    return by_file(rows, _FILE.name)


def write_gathered(table: Place, rows: Mapping[str, pa.Table]) -> None:
    """Gather `rows`, which are by file as `read_gathered` returns them.

    A failure is only logged: the table has all rows.
    """
    named = [
        own.append_column(_FILE, pa.repeat(pa.scalar(file), own.num_rows)) for file, own in rows.items() if own.num_rows
    ]
    if not named:
        return
    data = io.BytesIO()
    pq.write_table(pa.concat_tables(named), data)
    try:
        write_whole(_place(table), data.getvalue())
    except OSError as error:
        logger.warning("%s cannot be written, so reading the ledger takes longer: %s", _place(table), error)


def _place(table: Place) -> Place:
    # Delta's vacuum leaves folders alone whose names begin with an underscore.
    return table / "_gathered" / "rows.parquet"
