"""The context of one run over one day: its tables, its checks so far, its log, and how long its stages took."""

from __future__ import annotations

import json
import logging
import shutil
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from pyspark.sql import DataFrame

from creatorpool.contracts.data_docs import CheckedRun, write_data_docs
from creatorpool.contracts.results import RuleResult, enforce, result_rows
from creatorpool.contracts.schema import require_schema
from creatorpool.contracts.suite import prepare_checks, validate_table
from creatorpool.display import display
from creatorpool.errors import TableGuardError
from creatorpool.runs.claims import EVERY_DAY, claimed
from creatorpool.runs.identity import code_version, new_run_id, now
from creatorpool.runs.ledger import StageRun
from creatorpool.session import is_embedded
from creatorpool.settings import Settings
from creatorpool.stages.recovery import BOOKS
from creatorpool.storage.files import local_folder, scratch_folder
from creatorpool.storage.materialize import computed_once
from creatorpool.storage.staged import StagedRows
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")

_PATIENCE = timedelta(minutes=10)
"""How long an ingestion waits until the books are written: it has worked for longer than that takes"""
DATA_DOCS = "_data_docs"
"""Folder beside the tables with the HTML pages of great-expectations."""


@dataclass
class RunContext:
    """One run. With `dry_run` it computes everything and writes nothing."""

    warehouse: Warehouse
    settings: Settings
    day: date
    dry_run: bool = False
    as_of: Mapping[str, int] | None = None  # table versions to compute from, instead of those that the ledger names now
    started_at: datetime = field(default_factory=now)
    run_id: str = ""
    staged: list[StagedRows] = field(default_factory=list)  # rows written, in the order in which they are committed
    later: list[StagedRows] = field(default_factory=list)  # with rows of later days, committed after `staged`
    outputs: dict[str, int] = field(default_factory=dict)
    latest: dict[str, int] = field(default_factory=dict)  # versions of tables after `later`
    seconds: dict[str, float] = field(default_factory=dict)  # by stage; the times do not overlap
    contract_seconds: float = 0.0  # of these, what the checks of contracts took
    began: dict[str, float] = field(default_factory=dict)
    results: list[RuleResult] = field(default_factory=list)
    kept: int = 0  # number of results that are in `contract_results` already
    ingestion: StageRun | None = None  # a corrected ingestion of the day, which the commit of its payouts publishes
    copies: ExitStack = field(default_factory=ExitStack)  # what a dry run keeps until it is closed

    def __post_init__(self) -> None:
        self.run_id = self.run_id or new_run_id(self.started_at)

    @contextmanager
    def holding(
        self, name: str, claim: tuple[str, date], tables: Collection[str], patience: timedelta = timedelta(0)
    ) -> Iterator[None]:
        """Hold `claim`, (stage, day), for stage `name` while the block runs; the stage may create `tables`.

        In the block the run writes under the claim's fence. At its end the results of the checks are stored.

        Raises
        ------
        RunInProgressError
            If another live run holds the claim for longer than `patience`.
        """
        self.began[name], told = time.monotonic(), sum(self.seconds.values())
        self.log(name, "begins")
        self.outputs, self.staged = {}, []
        self.latest, self.later = {}, []
        if not self.dry_run:
            prepare_checks()
        own = self.warehouse
        with self._claim(*claim, tables, patience) as fenced:
            self.warehouse = fenced
            try:
                yield
            finally:
                self.keep_results()
                self.warehouse = own
        seconds = self.stage_seconds(name)
        # Stages that ran while this one was held have told their time already.
        self.seconds[name] = seconds - (sum(self.seconds.values()) - told)
        self.note(name, f"done in {seconds:.1f} s", seconds=round(seconds, 3))

    def booking(self) -> AbstractContextManager[Warehouse]:
        """Hold the claim of the books, so that nothing is posted in the block.

        Raises
        ------
        RunInProgressError
            If another live run writes the books for more than ten minutes.
        """
        return self._claim(BOOKS, EVERY_DAY, (), _PATIENCE)

    @contextmanager
    def on_day(self, day: date) -> Iterator[RunContext]:
        """Another run of the same command, for stages of another day; the results of its checks are among the own.

        The ledger has one row for a stage, day and run, and a command may post a day twice.
        """
        started = now()
        other = replace(
            self, day=day, started_at=started, run_id=new_run_id(started), results=[], kept=0, contract_seconds=0.0
        )
        try:
            yield other
        finally:
            self.results[self.kept : self.kept] = other.results
            self.kept += len(other.results)
            self.add_seconds(other)

    def join_seconds(self, names: Sequence[str]) -> None:
        """Tell the time of stages that computed in one step as one time."""
        self.seconds[" and ".join(names)] = sum(self.seconds.pop(name) for name in names)

    def add_seconds(self, other: RunContext) -> None:
        """Count the time of another context of the same run."""
        self.seconds |= other.seconds
        self.contract_seconds += other.contract_seconds

    def stage_seconds(self, name: str) -> float:
        """Seconds since stage `name` began."""
        return time.monotonic() - self.began[name]

    def store(self, rows: DataFrame, table: str) -> DataFrame:
        """Write the day's `rows` of `table` to files, check them against its contract, and return them as written.

        `commit_staged` adds them to the table when the stage is published. In a dry run nothing is written.

        Raises
        ------
        TableGuardError
            If columns differ from the contract, a row belongs to another day, a required value is null, or a written
            row is lost.
        ContractViolationError
            If a rule of severity `error` is broken.
        """
        if self.dry_run:
            require_schema(rows.schema, self.warehouse.contract(table), absent=("date",))
            return self._held(rows, table)
        self.log(table, "computes and writes its rows")
        began = time.monotonic()
        staged = self.warehouse.stage_day(rows, table, self.day)
        seconds = time.monotonic() - began
        self.note(table, f"{staged.rows} rows written in {seconds:.1f} s", rows=staged.rows, seconds=round(seconds, 3))
        written = self.check_staged(staged)
        self.staged.append(staged)
        return written

    def check_staged(self, staged: StagedRows) -> DataFrame:
        """Check written rows against their contract, and return them; raises as `store` does."""
        table, written = staged.table, self.warehouse.read_staged(staged)
        # Engines take a folder that has lost a file for one with fewer rows.
        if other := {result.rows_checked for result in self.check(written, table)} - {staged.rows}:
            raise TableGuardError(f"{table}: {staged.rows} rows were written and {min(other)} read back: run it again")
        return written

    def _held(self, rows: DataFrame, table: str) -> DataFrame:
        """`rows` of a dry run, kept until `close`, so that later steps do not compute them again."""
        if is_embedded(rows.sparkSession):
            # The embedded engine keeps no frame, and computed each one again in every query about it.
            folder = scratch_folder()
            self.copies.callback(shutil.rmtree, folder, ignore_errors=True)
            return computed_once(rows, folder / table)
        held = rows.persist()
        self.copies.callback(held.unpersist)
        return held

    def store_records(self, records: Sequence[Mapping[str, Any]], table: str) -> None:
        """Do the same with a few records that this process made; raises as `store` does."""
        if self.dry_run:
            return
        self.check_records(records, table)
        self.staged.append(self.warehouse.stage_records(records, table, self.day))

    def check(self, rows: DataFrame, table: str) -> list[RuleResult]:
        """Check `rows` against the contract of `table`; log a broken rule of severity `warning`; return the results.

        Raises
        ------
        ContractViolationError
            If a rule of severity `error` is broken.
        """
        self.log(table, "checks its contract")
        began = time.monotonic()
        results = self.validate(rows, table)
        self.contract_seconds += time.monotonic() - began
        self.results += results
        for result in results:
            if not result.passed:
                self.note(
                    table,
                    f"rule {result.rule} ({result.severity}) is broken by {result.rows_failed} rows",
                    logging.WARNING,
                    rule=result.rule,
                    severity=result.severity,
                    rows_failed=result.rows_failed,
                    rows_checked=result.rows_checked,
                )
        enforce(results)
        return results

    def validate(self, rows: DataFrame, table: str) -> list[RuleResult]:
        """Results of checking `rows` against the contract of `table`; raises as `validate_table` does."""
        one_job = not is_embedded(rows.sparkSession)
        return validate_table(rows, self.warehouse.contract(table), self.run_id, one_job=one_job)

    def check_records(self, records: Sequence[Mapping[str, Any]], table: str) -> None:
        """Check records against the contract of `table` before they are written; raises as `check` does."""
        if not self.dry_run:
            self.check(self.warehouse.frame(records, table), table)

    def _claim(
        self, stage: str, day: date, tables: Collection[str], patience: timedelta
    ) -> AbstractContextManager[Warehouse]:
        if self.dry_run:
            return nullcontext(self.warehouse)
        lease = timedelta(minutes=self.settings.runs.lease_minutes)
        return claimed(self.warehouse, stage, day, self.run_id, lease, tables, patience=patience)

    def commit_staged(self) -> None:
        """Commit all stored rows to their tables, one commit per table, and record the versions in `outputs`.

        Then commit those with rows of later days, and record the versions in `latest`.
        """
        for every, versions in ((self.staged, self.outputs), (self.later, self.latest)):
            for staged in every:
                versions[staged.table] = version = self.warehouse.commit(staged)
                self.note(staged.table, f"committed as version {version}", logging.DEBUG, version=version)
        self.staged, self.later = [], []

    def keep_results(self) -> None:
        """Append the results of checks that table `contract_results` does not have yet."""
        fresh, self.kept = self.results[self.kept :], len(self.results)
        if fresh and not self.dry_run:
            self.warehouse.append_records(result_rows(fresh, self.day), "contract_results")

    def read_from_copy(self) -> Warehouse:
        """Copy the tables and let this run read the copy until `close`. A dry run ingests into the copy."""
        self.warehouse = self.copies.enter_context(self.warehouse.trial_copy())
        return self.warehouse

    def close(self) -> None:
        """Write the results of the run's checks as HTML pages beside the tables, and delete the copy of the tables."""
        self.copies.close()
        if self.settings.contracts.data_docs and self.results and not self.dry_run:
            run = CheckedRun(self.run_id, self.day, self.started_at)
            contracts = {result.contract: self.warehouse.contract(result.contract) for result in self.results}
            kept_days = self.settings.contracts.data_docs_days
            with (
                display(self.day, "pages of the checks", state="tables are not affected"),
                local_folder(self.warehouse.root / DATA_DOCS) as site,
            ):
                write_data_docs(self.results, contracts, site, run, kept_days)

    def finished(
        self,
        stage: str,
        sections: Sequence[str],
        inputs: Mapping[str, Any],
        outputs: Mapping[str, int],
        rows: Mapping[str, Any],
    ) -> StageRun:
        """The ledger row of `stage`, which depends on `sections` of the configuration, with now as its end."""
        return StageRun(
            day=self.day,
            stage=stage,
            run_id=self.run_id,
            config_sha256=self.settings.sha256(*sections),
            code_version=code_version(),
            inputs=inputs,
            outputs=outputs,
            rows=rows,
            started_at=self.started_at,
            finished_at=now(),
            seconds=self.stage_seconds(stage),
            config_json=self.settings.as_json(*sections),
        )

    def log(self, subject: str, message: str, **facts: Any) -> None:
        """Log one line of level INFO; `facts` are added as JSON, and as fields in a log of JSON lines."""
        self._log_line(logging.INFO, subject, f"{message}{_shown(facts)}", facts)

    def warn(self, subject: str, message: str, **facts: Any) -> None:
        """Log one line of level WARNING: an operator should look at it, and the run goes on. `facts` as in `log`."""
        self._log_line(logging.WARNING, subject, f"{message}{_shown(facts)}", facts)

    def note(self, subject: str, message: str, level: int = logging.INFO, **facts: Any) -> None:
        """Log one line whose message has the `facts` in words; a log of JSON lines has them as fields, too."""
        self._log_line(level, subject, message, facts)

    def _log_line(self, level: int, subject: str, message: str, facts: Mapping[str, Any]) -> None:
        """Log one line; a log of JSON lines shows day, run, subject and facts as fields."""
        fields = {"day": self.day.isoformat(), "run_id": self.run_id, "subject": subject, **facts}
        logger.log(level, "%s run=%s %s: %s", self.day, self.run_id, subject, message, extra={"facts": fields})


def _shown(facts: Mapping[str, Any]) -> str:
    return f" {json.dumps(facts, sort_keys=True, default=str)}" if facts else ""
