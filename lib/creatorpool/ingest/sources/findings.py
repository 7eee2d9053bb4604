"""What a check of a mapping found."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date

from pyspark.errors import PySparkException

from creatorpool.errors import ConfigurationError, CreatorpoolError
from creatorpool.ingest.sources.clocks import LocalTimes
from creatorpool.ingest.sources.verdict import SampledTable


@dataclass
class SourceFindings:
    """What a check found: `faults`, which would stop a run, `warnings`, and the sampled rows of each table."""

    faults: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    tables: dict[str, SampledTable] = field(default_factory=dict)
    days: dict[date, int] = field(default_factory=dict)
    """Numbers of sampled records by day"""
    day: date | None = None
    """The day that the sample is judged for; None if no sampled time can be read"""
    timezone: str = "UTC"
    """The zone by whose clocks days begin and end"""
    has_whole_days: bool = False
    """The sampled times fill whole days by the clocks of `timezone`"""
    files_timezone: str = "UTC"
    """The zone of times in the files that name none"""
    local_times: list[LocalTimes] = field(default_factory=list)
    """The columns whose times name no zone"""
    is_cut: bool = False
    """A file may have more records than were read of it"""
    is_misconfigured: bool = False
    """The first fault is one of the mapping itself, with which a run would end"""

    def keep(self, error: CreatorpoolError) -> None:
        """Add an error to the faults."""
        self.is_misconfigured |= not self.faults and isinstance(error, ConfigurationError)
        self.faults.append(str(error))

    @contextmanager
    def keeping_faults(self, table: str) -> Iterator[None]:
        """Keep an error as a fault; `table` is the one that is made meanwhile."""
        try:
            yield
        except CreatorpoolError as error:
            self.keep(error)
        except PySparkException as error:
            self.faults.append(f"{table}: an expression fails on a record: {str(error).strip().splitlines()[0]}")
