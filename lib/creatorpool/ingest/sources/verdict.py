"""Judges one table of a sample by the rules of an ingestion, and says whether a run would refuse it.

The functions that count and refuse are those of the ingestion. A sample does not tell which viewers and videos are
stored already, so all of its events count as those of known ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import Delivery
from creatorpool.ingest.dimensions import merged
from creatorpool.ingest.events import Dimension, EventDays, deduplicate_events
from creatorpool.ingest.log_files import LogFile, all_hours, hours_of, log_files
from creatorpool.ingest.merge_rules import refuse_inconsistent
from creatorpool.ingest.reading import Reading
from creatorpool.ingest.refusals import (
    purposes,
    refuse_broken_day,
    refuse_broken_feed,
    refuse_broken_files,
    refuse_revenue,
)
from creatorpool.ingest.report import TableCounts
from creatorpool.ingest.rules import table_rules
from creatorpool.ingest.shifted_day import ShiftedDay, shifted_day
from creatorpool.ingest.units import unit_warnings
from creatorpool.ingest.validation import ValidatedTable, validated_table
from creatorpool.quoting import quoted
from creatorpool.settings import Settings


@dataclass(frozen=True)
class SampledTable:
    """The sampled records of one table, counted as a run counts them, and an example for each broken rule.

    `faults` would stop the run. `hours` are the numbers of events of all days by the hour from the day's beginning.
    """

    counts: TableCounts
    examples: Mapping[str, str]
    faults: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    hours: Mapping[int, int] | None = None


@dataclass(frozen=True)
class Judge:
    """Judges the tables of a sample for a run over `day`."""

    reading: Reading
    settings: Settings
    day: date

    def table(self, delivery: Delivery, contract: Contract) -> SampledTable:
        """The verdict on one table."""
        if contract.name == "events":
            return self._events(delivery, contract)
        rules = table_rules(contract.name, self.settings.signals.tiers)
        staging = self.reading.staging
        table = validated_table(delivery, contract, self.reading.session, self.day, staging, rules)
        warnings = unit_warnings(delivery, contract) if contract.name == "ad_revenue" else ()
        return SampledTable(table.counts, _examples(table.refused), tuple(self._faults(table)), warnings)

    def _events(self, delivery: Delivery, contract: Contract) -> SampledTable:
        ingest, session = self.settings.ingest, self.reading.session
        days = EventDays(self.day, ingest.late_window_days, ingest.day_timezone)
        rows = deduplicate_events(delivery, contract, session, days, None)
        viewers, videos = (Dimension(rows.rows.select(key).distinct(), 0) for key in ("viewer_id", "video_id"))
        table = rows.validate(self.day, viewers, videos, self.reading.staging)
        files = log_files(delivery.times, days)
        shifted = shifted_day(table, days, files)
        faults = tuple(self._faults(table, shifted, files))
        warnings = (f"events: {shifted.hint()}",) if shifted is not None and not faults else ()
        hours = all_hours(files) if files else hours_of(table.judged.counted, days)
        return SampledTable(table.counts, _examples(table.refused), faults, warnings, hours)

    def _faults(
        self, table: ValidatedTable, shifted: ShiftedDay | None = None, files: Sequence[LogFile] = ()
    ) -> Iterator[str]:
        """Why a run would stop at the table, with what its contract says of broken rules."""
        try:
            self._refuse(table, shifted, files)
        except InputError as error:
            message = str(error)
            hints = purposes((*table.contract.row_rules, *table.rules), table.counts.broken)
            yield message if hints in message else f"{message}{hints}"

    def _refuse(self, table: ValidatedTable, shifted: ShiftedDay | None, files: Sequence[LogFile]) -> None:
        name = table.contract.name
        if name == "events":
            refuse_broken_files(files, self.settings.ingest)
            refuse_broken_day(table, self.day, self.settings.ingest, shifted, is_stored=False)
        elif name == "ad_revenue":
            refuse_revenue(table, self.day, self.settings.settlement.currency)
        elif name in ("viewers", "videos"):
            refuse_broken_feed(table, self.settings.ingest)
        elif "date" not in table.contract.partition_by:
            refuse_inconsistent(name, None, table.good, merged(None, table.good, table.contract))


def _examples(flagged: DataFrame) -> dict[str, str]:
    failed = flagged.select(F.explode("failed_rules").alias("rule"), "raw_row").groupBy("rule")
    rows = failed.agg(F.min("raw_row").alias("example")).orderBy("rule").collect()
    return {row["rule"]: quoted(row["example"]) for row in rows}
