"""The file that names everybody whom a restatement affects."""

from __future__ import annotations

import pyarrow as pa

from creatorpool.report.output_file import whole_file
from creatorpool.report.query_output import as_text
from creatorpool.stages.restatement import Restatement
from creatorpool.storage.places import Place

COLUMNS = ("creator_id", "category", "video_id", "settled_micros", "restated_micros", "booked_micros", "currency")


def write_affected(done: Restatement, output: Place) -> int:
    """Write a row per pool and video that would be paid another amount than is settled, as CSV; return their number.

    `settled_micros` is what was settled before, `booked_micros` what the policy books of the difference.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    rows = pa.table({name: [] for name in COLUMNS})
    if done.affected is not None:
        found = done.affected.orderBy("creator_id", "category", "video_id").toArrow()
        rows = found.append_column("currency", pa.array([done.currency] * found.num_rows, pa.string())).select(COLUMNS)
    with whole_file(output) as out:
        out.write(as_text(rows, "csv"))
    return int(rows.num_rows)
