"""The day's coverage for the report: from the ledger, else counted in the published rows."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from creatorpool.quality.coverage import ADVICE, Coverage
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.report.nightly.blocks import Block, Paragraph, Table, percent
from creatorpool.report.nightly.published import ReportDay
from creatorpool.runs.ledger import SIGNALS


def report_coverage(report: ReportDay) -> Coverage:
    """The coverage that the day's run found. Runs of older versions did not keep it: custom signals are left out."""
    run = report.runs.get(SIGNALS)
    found = None if run is None else Coverage.of_facts(run.rows)
    return found or _counted(report.paid.rows("video_quality", *COMPONENT_NAMES, *_GATES))


_GATES = ("quality_score", "is_compliant", "smoothing")


def _counted(rows: pa.Table) -> Coverage:
    own = rows.filter(rows.column("is_compliant"))
    at_zero = {name: int(np.count_nonzero(own.column(name).to_numpy() == 0)) for name in COMPONENT_NAMES}
    rated = int(np.count_nonzero(own.column("quality_score").to_numpy() > 0))
    is_smoothed = bool(pc.any(pc.equal(own.column("smoothing"), "empirical_bayes")).as_py())
    return Coverage(own.num_rows, rated, at_zero, is_smoothed)


def signals_at_zero(coverage: Coverage) -> Block:
    """The signals that keep videos from being paid, and what to do about each."""
    losses = coverage.losses()
    if not losses:
        return Paragraph("No signal is 0 for any compliant video.", "good")
    rows = [(loss.label, ADVICE[coverage.remedy(loss)], f"{loss.videos:,}", percent(loss.share)) for loss in losses]
    header = ("signal", "what pays more of these videos", "videos at 0", "of compliant videos")
    return Table(header, rows, "Signals that are 0: such a video is paid nothing from pools", left=2)
