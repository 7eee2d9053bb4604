"""Random histories of the books on real tables, with commands killed at their writes, beside a model in fractions.

After each step: every entry sums to 0, in every version of the journal; each service day closes; what each payee is
owed, has on hold and got is what the model says; a closed month's rows are as they were; no payment is made twice.
"""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from pyspark.sql import SparkSession
from tests.stages.books_model import Model
from tests.stages.fates import KILLED, LIVES, MET, REPEATED, Fate, is_certain
from tests.stages.settled_days import DAY, NEXT, Books

from creatorpool.errors import InputError
from creatorpool.report.journal_export import export_journal
from creatorpool.report.payment_export import export_due
from creatorpool.runs.ledger import POST, published_runs
from creatorpool.runs.postings import postings
from creatorpool.settlement.outcomes import DUE, PAID, RETURNED, Outcome
from creatorpool.stages.closing import close_month
from creatorpool.stages.loading import load_table
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.stages.payments import import_outcomes
from creatorpool.stages.posting import post_day
from creatorpool.verification.month import verify_month

MINIMUM = 2_000_000
DECEMBER = NEXT + timedelta(days=1)
PLACES = st.integers(0, 10**6)
NUMBERS = st.one_of(st.integers(1, 12), st.integers(1, 40))
ENDS = st.one_of(st.just(Fate(LIVES)), st.builds(Fate, st.sampled_from([REPEATED, MET]), NUMBERS))
"""Fates after which the command is done"""
FATES = st.one_of(ENDS, st.builds(Fate, st.sampled_from([KILLED, REPEATED, MET]), NUMBERS))
"""Others, too: later commands find what a killed command left"""
CLOSED = ("journal", "payee_balances", "payments")
STATE = ("status", "settled_on", "booked_on", "import_id")
"""Columns of a payment that say what became of it: they are known later"""
HOLD_FACTS = ("subject_kind", "subject_id", "share_ppm", "from_date")
"""Columns of a hold that never change"""


class BooksMachine(RuleBasedStateMachine):
    """The books over a copy of the last two days of November; the second is rated in some histories only."""

    source: Path
    """Folder with the tables of both days, `first-day` with those of the first, and the deliveries"""
    spark: SparkSession
    folder: Path
    number = 0

    def __init__(self) -> None:
        super().__init__()
        BooksMachine.number += 1
        self.model = Model()
        self.days: list[date] = []
        self.is_closed = False
        self.kept: dict[str, list[str]] = {}
        self.balanced = -1
        self.step = 0

    @initialize(is_rated=st.booleans())
    def begin(self, is_rated: bool) -> None:
        """Copy the tables of one day or of both."""
        place = self.folder / f"history-{BooksMachine.number}"
        tables = shutil.copytree(self.source / ("tables" if is_rated else "first-day"), place / "tables")
        self.books = Books(self.spark, Path(tables), place)
        for day in (DAY, NEXT) if is_rated else (DAY,):
            self._rate(day)
        names = self.books.reader.read_arrow("events", ["viewer_id"], day=DAY).column("viewer_id").to_pylist()
        self.viewers = [name for name, _ in Counter(sorted(names)).most_common(5)]
        self.videos = sorted({(row["video_id"], row["creator_id"]) for row in self.books.rows("video_payouts")})

    def _rate(self, day: date) -> None:
        self.days.append(day)
        self.model.earned[day] = {row["video_id"]: row["total_micros"] for row in self.books.rows("video_payouts", day)}

    def teardown(self) -> None:
        shutil.rmtree(self.books.folder)

    def _day(self, place: int) -> date:
        return self.days[place % len(self.days)]

    def _is_done(self, command: Callable[[], object], fate: Fate) -> bool:
        """Run `command`, which publishes one run, under `fate`; whether it has published.

        A command that is killed after its publication has published, whether it is run again or not.
        """
        before = self._published()
        return is_certain(command, fate) or bool(self._published() - before)

    def _published(self) -> set[str]:
        return {run.run_id for run in published_runs(self.books.reader)}

    @precondition(lambda self: len(self.days) == 1)
    @rule(fate=ENDS)
    def night(self, fate: Fate) -> None:
        """Ingest and pay the second day."""
        raw = self.source / f"raw-{NEXT}"
        self._is_done(lambda: self.books.night(NEXT, raw), fate)
        self._rate(NEXT)

    @rule(place=PLACES, is_cleared=st.booleans(), fate=FATES)
    def find_invalid_viewer(self, place: int, is_cleared: bool, fate: Fate) -> None:
        """Load a viewer who is invalid, or is not any more."""
        until = "2026-11-01" if is_cleared else ""
        viewer = self.viewers[place % len(self.viewers)]
        self._is_done(lambda: self.books.invalid(viewer, until), fate)

    @rule(place=PLACES, fate=FATES)
    def deliver_late_event(self, place: int, fate: Fate) -> None:
        """Load an event that repeats another one under a new id."""
        day = self._day(place)
        rows = self.books.reader.read_arrow("events", day=day)
        one = rows.slice(place % rows.num_rows, 1).to_pylist()[0]
        self.step += 1
        flags = {name: str(value).lower() for name, value in one.items() if isinstance(value, bool)}
        facts = {
            name: "" if value is None else value for name, value in one.items() if name not in ("date", "event_ts")
        }
        row = facts | flags | {"event_id": f"late-{self.step}", "event_ts": f"{day}T10:00:00Z"}
        self._is_done(lambda: self.books.load("events", row, day=day), fate)

    @rule(place=PLACES, percent=st.integers(50, 150), fate=FATES)
    def correct_revenue(self, place: int, percent: int, fate: Fate) -> None:
        """Load a day's revenue with other amounts."""
        day = self._day(place)
        rows = self.books.reader.read_arrow("ad_revenue", day=day).to_pylist()
        for row in rows:
            row["revenue_micros"] = row["revenue_micros"] * percent // 100
            row["video_id"] = row["video_id"] or ""
        self._is_done(lambda: self.books.load("ad_revenue", *rows, day=day), fate)

    @rule(place=PLACES, is_viewer=st.booleans(), flag=st.booleans(), fate=FATES)
    def correct_row(self, place: int, is_viewer: bool, flag: bool, fate: Fate) -> None:
        """Load the tier of one of a few viewers, or the compliance of one of a few videos."""
        table, day = ("viewers", self._day(place)) if is_viewer else ("videos", self._day(place))
        name = self.viewers[place % 3] if is_viewer else self.videos[place % 3][0]
        rows = self.books.reader.read_arrow(table)
        (row,) = (row for row in rows.to_pylist() if row[f"{table[:-1]}_id"] == name)
        row |= {"trust_tier": "verified" if flag else "unverified"} if is_viewer else {"is_compliant": flag}
        path = self.books.folder / f"{table}.parquet"
        pq.write_table(pa.Table.from_pylist([row], schema=rows.schema), path)
        self._is_done(lambda: load_table(self.books.at(day), table, path), fate)

    @rule(place=PLACES, share=st.integers(0, 500_000), is_second=st.booleans(), fate=FATES)
    def change_rights(self, place: int, share: int, is_second: bool, fate: Fate) -> None:
        """Load the share of one of two payees in a video."""
        video, _ = self.videos[place % len(self.videos)]
        payee = "band" if is_second else "label"
        row = {"video_id": video, "payee_id": payee, "valid_from": "2026-11-01", "share_ppm": share}
        if self._is_done(lambda: self.books.load("video_rights", row), fate):
            self.model.rights[video, payee] = row

    @rule(
        kind=st.sampled_from(["payee", "creator", "video"]),
        place=PLACES,
        share=st.one_of(st.just(10**6), st.integers(1, 10**6)),
        is_later=st.booleans(),
        until=st.sampled_from([None, None, DAY, NEXT]),
        fate=FATES,
    )
    def put_on_hold(
        self, kind: str, place: int, share: int, fate: Fate, *, is_later: bool = False, until: date | None = None
    ) -> None:
        """Load a hold of one of a few subjects, often without an end."""
        video, creator = self.videos[place % len(self.videos)]
        subject = {"payee": "label" if place % 2 else creator, "creator": creator, "video": video}[kind]
        self.step += 1
        own = {"hold_id": f"h{self.step}", "subject_kind": kind, "subject_id": subject, "share_ppm": share}
        self._hold(own | {"from_date": NEXT if is_later else DAY}, fate, until)

    @precondition(lambda self: self.model.holds)
    @rule(place=PLACES, until=st.sampled_from([DAY, DAY, NEXT, DAY - timedelta(days=9), None]), fate=FATES)
    def end_hold(self, place: int, until: date | None, fate: Fate) -> None:
        """Load another end of a hold: an earlier or a later one, one before its begin, or none."""
        hold = sorted(self.model.holds.items())[place % len(self.model.holds)][1]
        self._hold({name: hold[name] for name in ("hold_id", *HOLD_FACTS)}, fate, until)

    def _hold(self, own: Mapping[str, Any], fate: Fate, until: date | None = None) -> None:
        row = {**own, "until_date": until or "", "reason_code": "dispute", "note": ""}
        end = self.model.holds.get(own["hold_id"], {}).get("until_date")
        if end is not None and (until is None or until > end) and self._is_released(own["hold_id"]):
            with pytest.raises(InputError, match="holds whose money is released come with a later end or none"):
                self.books.load("holds", row)
            return
        if self._is_done(lambda: self.books.load("holds", row), fate):
            self.model.holds[own["hold_id"]] = row | {"until_date": until}

    def _is_released(self, hold: str) -> bool:
        return hold in postings(self.books.reader).released_holds

    @rule(
        place=PLACES,
        policy=st.sampled_from(["full", "full", "claw_back", "hold_harmless"]),
        fate=FATES,
    )
    def restate(self, place: int, policy: str, fate: Fate) -> None:
        """Restate a day; once it is restated, a second time changes nothing."""
        day = self._day(place)
        if self._is_done(lambda: self.books.restate(day, policy), fate):
            rows = self.books.rows("payout_adjustments", day)
            assert self.books.restate(day, policy).changes is None
            assert self.books.rows("payout_adjustments", day) == rows

    @rule(place=PLACES, fate=FATES)
    def post(self, place: int, fate: Fate) -> None:
        """Post a booking day of the open month."""
        day = DECEMBER if self.is_closed else (DAY, NEXT)[place % 2]
        if self._is_done(lambda: post_day(self.books.at(day)), fate):
            self._post(day)

    def _post(self, day: date) -> None:
        totals = self.books.rows("video_payouts", day) if day in self.days else None
        self.model.post(day, totals, self.books.rows("payout_adjustments"))
        for row in self.books.rows("payments"):
            if row["status"] == RETURNED and row["booked_on"] == day:
                self.model.give_back(row["payment_id"], row["payee_id"], row["amount_micros"])

    @precondition(lambda self: len(self.days) == 2 and not self.is_closed)
    @rule(fate=ENDS)
    def close(self, fate: Fate) -> None:
        """Close November, and compare its balances and payments with the model's."""

        def command() -> None:
            close_month(self.books.at(NEXT, f"settlement.minimum_payment_micros={MINIMUM}"), accept_late=True)

        self._is_done(command, fate)
        for day in self.days:
            self._post(day)
        paid = self.model.pay(MINIMUM, NEXT)
        self.is_closed = True
        balances = {row["payee_id"]: row for row in self.books.rows("payee_balances")}
        assert {name: row["closing_micros"] for name, row in balances.items() if row["closing_micros"]} == {
            name: micros for name, micros in self.model.payable.items() if micros
        }
        payments = self.books.rows("payments")
        assert {row["payee_id"]: row["amount_micros"] for row in payments} == paid
        assert len({row["payment_id"] for row in payments}) == len(payments)
        self.kept = self._closed_rows()

    @precondition(lambda self: self.is_closed)
    @rule(status=st.sampled_from([PAID, RETURNED]), fate=FATES)
    def report_payment(self, status: str, fate: Fate) -> None:
        """Take in what became of a payment; the same by another report is refused."""
        possible = (DUE,) if status == PAID else (DUE, PAID)
        rows = sorted(
            (row for row in self.books.rows("payments") if row["status"] in possible), key=lambda row: row["payment_id"]
        )
        if not rows:
            return
        self.step += 1
        name, outcome = f"report-{self.step}", Outcome(rows[0]["payment_id"], status, rows[0]["amount_minor"], DECEMBER)

        def command() -> object:
            return import_outcomes(self.books.at(DECEMBER), [outcome], name)

        if self._is_done(command, fate):
            with pytest.raises(InputError, match=f"is {status} already"):
                import_outcomes(self.books.at(DECEMBER), [outcome], f"{name}-again")

    @precondition(lambda self: self.model.nights)
    @rule()
    def export(self) -> None:
        """Export the journal, and the payments that are due: their sums are the model's."""
        path = self.books.folder / "journal.csv"
        assert export_journal(self.books.reader, path, "csv") == len(self.books.rows("journal"))
        found: Counter[tuple[str, str]] = Counter()
        with path.open() as text:
            for row in csv.DictReader(text):
                found[row["account"], row["payee_id"]] += int(row["amount_micros"])
        assert not sum(found.values())
        own = {key: micros for key, micros in found.items() if key[0] in ("Payable", "Held", "Cash") and micros}
        assert own == self.model.balances()
        if self.is_closed:
            due = [row["amount_micros"] for row in self.books.rows("payments") if row["status"] == DUE]
            sums = export_due(self.books.reader, NEXT, self.books.folder / "due.csv")
            assert sums == ({"USD": (len(due), sum(due))} if due else {})

    @precondition(lambda self: self.model.nights)
    @rule()
    def verify(self) -> None:
        """Verify the months from the tables."""
        posted = {run.day for run in published_runs(self.books.reader, POST)}
        for month in (NEXT, *([date(2026, 12, 31)] if max(posted) > NEXT else [])):
            assert [check for check in verify_month(self.books.at(month, dry_run=True)) if not check.passed] == []

    @rule(fate=ENDS)
    def maintain(self, fate: Fate) -> None:
        """Compact the tables."""
        is_certain(lambda: [*maintain_tables(self.books.tables, timedelta(days=1))], fate)

    def _closed_rows(self) -> dict[str, list[str]]:
        rows = {table: self.books.rows(table, NEXT) for table in CLOSED} | {"earlier": self.books.rows("journal", DAY)}
        return {
            table: sorted(str({key: value for key, value in row.items() if key not in STATE}) for row in found)
            for table, found in rows.items()
        }

    @invariant()
    def books_are_kept(self) -> None:
        """Check what must hold after every step."""
        self._check_versions()
        journal = self.books.rows("journal")
        entries: Counter[str] = Counter()
        balances: Counter[tuple[str, str]] = Counter()
        for row in journal:
            entries[row["entry_id"]] += row["amount_micros"]
            if row["account"] in ("Payable", "Held", "Cash"):
                balances[row["account"], row["payee_id"]] += row["amount_micros"]
        assert not any(entries.values())
        assert {key: micros for key, micros in balances.items() if micros} == self.model.balances()
        for day in self.days:
            self._check_day(day, journal)
        if self.is_closed:
            assert self._closed_rows() == self.kept

    def _check_versions(self) -> None:
        """Every version of the journal sums to 0, whether it was published or not."""
        tables = self.books.reader
        latest = tables.version("journal") if tables.exists("journal") else -1
        for version in range(self.balanced + 1, latest + 1):
            sums: Counter[str] = Counter()
            for row in tables.read_arrow("journal", ["entry_id", "amount_micros"], version=version).to_pylist():
                sums[row["entry_id"]] += row["amount_micros"]
            assert not any(sums.values()), version
        self.balanced = latest

    def _check_day(self, day: date, journal: list[dict[str, Any]]) -> None:
        """Gross and goodwill are platform, payees and unallocated; payees are what videos are settled."""
        own = [row for row in journal if row["service_date"] == day]
        if not own:
            return
        payees = sum(row["amount_micros"] for row in own if row["account"] in ("Payable", "Held"))
        posted = {number for number in self.model.adjusted if number[0] == day}
        changes = self.books.rows("payout_adjustments", day)
        booked = sum(row["change_micros"] for row in changes if (day, row["sequence"]) in posted)
        assert payees == booked + (sum(self.model.earned[day].values()) if day in self.model.nights else 0)
        assert sum(row["amount_micros"] for row in own) == 0


def run_histories(spark: SparkSession, source: Path, folder: Path, histories: int, steps: int, start: int) -> None:
    """Run random histories; a failing one is printed as it was made, as to shorten it would take an hour."""
    facts = {"spark": spark, "source": source, "folder": folder}
    run_machine(
        seed(start)(type("OwnBooks", (BooksMachine,), facts)),
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.once
@pytest.mark.timeout(1200)
def test_a_few_histories_keep_the_books(spark: SparkSession, paid_days: Path, tmp_path: Path) -> None:
    run_histories(spark, paid_days.parent, tmp_path, 3, 8, 0)


@pytest.mark.prove
@pytest.mark.once
@pytest.mark.timeout(0)
def test_many_histories_keep_the_books(
    spark: SparkSession, paid_days: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    histories, start = (int(request.config.getoption(name)) for name in ("--histories", "--seed"))
    run_histories(spark, paid_days.parent, tmp_path, histories, 30, start)
