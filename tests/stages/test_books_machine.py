"""Random histories of the books on real tables, with commands killed at their writes, beside a model in fractions.

After each step: every entry sums to 0, in every version of the journal; each account of each service day has what was
published and adjusted; what each payee is owed, has on hold and got is what the model says; the balances and payments
of each closed month are the model's, begin where the month before ended, and are as they were; what is booked later is
booked in the first open month.
"""

from __future__ import annotations

import csv
import shutil
import sys
from collections import Counter, defaultdict
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
from hypothesis.strategies._internal.featureflags import FeatureFlags
from pyspark.sql import SparkSession
from tests.stages.books_model import Model, Night
from tests.stages.fates import KILLED, LIVES, MET, REPEATED, Fate, is_certain
from tests.stages.settled_days import DAY, NEXT, SERVICE_DAYS, Books

from creatorpool.errors import InputError
from creatorpool.report.journal_export import export_journal
from creatorpool.report.payment_export import export_due
from creatorpool.runs.ledger import POST, published_runs
from creatorpool.runs.pools import latest_pool, published_pools
from creatorpool.runs.postings import postings
from creatorpool.settlement.months import first_day, next_month, previous_month
from creatorpool.settlement.outcomes import DUE, PAID, RETURNED, Outcome
from creatorpool.stages.closing import close_month
from creatorpool.stages.loading import load_table
from creatorpool.stages.maintenance import maintain_tables
from creatorpool.stages.payments import import_outcomes
from creatorpool.stages.posting import post_day
from creatorpool.verification.month import verify_month

MINIMUM = 2_000_000
NOVEMBER, DECEMBER = NEXT, date(2026, 12, 31)
MONTHS = (NOVEMBER, DECEMBER)
"""They are closed one after the other; in the second one nothing is earned"""
LATER = NEXT + timedelta(days=1)
NEVER = "2026-11-01"
"""Until then a viewer is invalid who never was"""
PLACES = st.integers(0, 10**6)
NUMBERS = st.one_of(st.integers(1, 12), st.integers(1, 40))
ENDS = st.one_of(st.just(Fate(LIVES)), st.builds(Fate, st.sampled_from([REPEATED, MET]), NUMBERS))
"""Fates after which the command is done"""
FATES = st.one_of(ENDS, st.builds(Fate, st.sampled_from([KILLED, REPEATED, MET]), NUMBERS))
"""Others, too: later commands find what a killed command left"""
BALANCES = ("opening", "earned", "adjusted", "held", "released", "returned", "paid", "closing", "held_balance")
OWED = ("Payable", "Held", "Cash")
"""Accounts of payees"""
STATE = ("status", "settled_on", "booked_on", "import_id")
"""Columns of a payment that say what became of it: they are known later"""
SIDES = ("gross", "platform", "videos", "unallocated", "goodwill")
HOLD_FACTS = ("subject_kind", "subject_id", "share_ppm", "from_date")
"""Columns of a hold that never change"""


class BooksMachine(RuleBasedStateMachine):
    """The books over a copy of the last two days of November; the second is rated in some histories only."""

    source: Path
    """Folder with the tables of both days, `first-day` with those of the first, and the deliveries"""
    spark: SparkSession
    folder: Path
    number = 0
    closed = 0
    """How many histories have closed both months"""

    def __init__(self) -> None:
        super().__init__()
        BooksMachine.number += 1
        self.model = Model()
        self.days: list[date] = []
        self.nights: dict[date, Night] = {}
        self.revenue: dict[date, list[dict[str, Any]]] = {}
        self.invalid: dict[date, dict[str, str]] = {}
        """Who was invalid, and until when, when each day was paid"""
        self.late: set[date] = set()
        """Days of which late events came, which nothing takes back"""
        self.corrected: defaultdict[date, set[str]] = defaultdict(set)
        """Tables of which corrections of each day came"""
        self.kept: dict[date, dict[str, list[str]]] = {}
        """The rows of each closed month"""
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
        videos = self.books.rows("video_payouts", day)
        self.model.earned[day] = {row["video_id"]: row["total_micros"] for row in videos}
        self.revenue[day] = self._revenue(day)
        self.invalid[day] = self._invalid()
        self.nights[day] = Night(videos, self._sides(day, videos))

    def _revenue(self, day: date) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.books.reader.read_arrow("ad_revenue", day=day).to_pylist()
        return [row | {"video_id": row["video_id"] or ""} for row in rows]

    def _invalid(self) -> dict[str, str]:
        return {row["viewer_id"]: str(row["until_date"] or "") for row in self.books.rows("invalid_viewers")}

    def _sides(self, day: date, videos: list[dict[str, Any]]) -> Counter[tuple[str, str]]:
        """What a night books beside the payees: revenue, the platform's part of it, and what no video gets."""
        sides: Counter[tuple[str, str]] = Counter()
        for row in self.revenue[day]:
            category = "pulse" if row["placement"] == "pulse" else row["category"]
            sides["Advertisers", category] -= row["revenue_micros"]
            sides["Platform:Share", category] += row["revenue_micros"]
        for row in self.books.rows("pool_payouts", day):
            sides[f"Unallocated:{row['category']}", row["category"]] -= row["payout_micros"]
        for category, pool in published_pools(self.books.reader, day).items():
            sides["Platform:Share", category] -= pool.pool_micros
            sides[f"Unallocated:{category}", category] += pool.pool_micros
        sides["Platform:Share", "pulse"] -= sum(row["pulse_micros"] for row in videos)
        return sides

    @property
    def _closed(self) -> list[date]:
        return sorted(self.model.closed)

    @property
    def _open_from(self) -> date:
        """The first day on which anything may be booked."""
        return first_day(next_month(self._closed[-1])) if self._closed else first_day(NOVEMBER)

    def teardown(self) -> None:
        """End the history, unless it has failed: pay what is unpaid, close what is open, and verify all of it."""
        if sys.exception() is None:
            if len(self.days) < len(SERVICE_DAYS):
                self.night(Fate(LIVES))
            while len(self._closed) < len(MONTHS):
                self.close(Fate(LIVES))
                self.books_are_kept()
            self.verify()
            BooksMachine.closed += 1
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
        until = NEVER if is_cleared else ""
        viewer = self.viewers[place % len(self.viewers)]
        self._is_done(lambda: self.books.invalid(viewer, until), fate)

    @rule(place=PLACES, fate=FATES)
    def deliver_late_event(self, place: int, fate: Fate) -> None:
        """Load an event that repeats another one under a new id."""
        day = self._day(place)
        rows = self.books.reader.read_arrow("events", day=day)
        one = rows.slice(place % rows.num_rows, 1).to_pylist()[0]
        self.step += 1
        self.late.add(day)
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
        rows = self._revenue(day)
        for row in rows:
            row["revenue_micros"] = row["revenue_micros"] * percent // 100
        self.corrected[day].add("ad_revenue")
        self._is_done(lambda: self.books.load("ad_revenue", *rows, day=day), fate)

    @rule(place=PLACES, is_viewer=st.booleans(), flag=st.booleans(), fate=FATES)
    def correct_row(self, place: int, is_viewer: bool, flag: bool, fate: Fate) -> None:
        """Load the tier of one of a few viewers, or the compliance of one of a few videos."""
        table, day = ("viewers", self._day(place)) if is_viewer else ("videos", self._day(place))
        name = self.viewers[place % 3] if is_viewer else self.videos[place % 3][0]
        rows = self.books.reader.read_arrow(table)
        (row,) = (row for row in rows.to_pylist() if row[f"{table[:-1]}_id"] == name)
        row |= {"trust_tier": "verified" if flag else "unverified"} if is_viewer else {"is_compliant": flag}
        self.corrected[day].add(table)
        self._is_done(lambda: self._load_rows(table, pa.Table.from_pylist([row], schema=rows.schema), day), fate)

    def _load_rows(self, table: str, rows: pa.Table, day: date) -> None:
        path = self.books.folder / f"{table}.parquet"
        pq.write_table(rows, path)
        load_table(self.books.at(day), table, path)

    @precondition(lambda self: {*self.days} - self.late)
    @rule(place=PLACES)
    def take_causes_back(self, place: int) -> None:
        """Take back all that changes a day, and restate it under `full`: it is settled as it was published.

        That holds whatever other policies have booked. Days with late events are left out.
        """
        possible = [day for day in self.days if day not in self.late]
        day = possible[place % len(possible)]
        for viewer, until in sorted(self._invalid().items()):
            first = self.invalid[day].get(viewer, NEVER)
            if until != first:
                self.books.invalid(viewer, first)
        paid_from = latest_pool(published_pools(self.books.reader, day)).inputs
        for table in sorted(self.corrected[day]):
            if table == "ad_revenue":
                self.books.load(table, *self.revenue[day], day=day)
            else:
                self._load_rows(table, self.books.reader.read_arrow(table, version=paid_from[table]), day)
        self.corrected[day].clear()
        self.books.restate(day)
        assert self.books.settled(day) == self.books.earned(day)
        sides: Counter[tuple[str, str]] = Counter()
        for row in self.books.rows("pool_adjustments", day):
            sides.update({(row["category"], name): row[f"{name}_micros"] for name in SIDES})
        assert not any(sides.values()), sides

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
        until=st.sampled_from([None, None, DAY, NEXT, LATER]),
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
    @rule(place=PLACES, until=st.sampled_from([DAY, DAY, NEXT, LATER, DAY - timedelta(days=9), None]), fate=FATES)
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
        cause=st.sampled_from([None, "found", "cleared", "revenue"]),
    )
    def restate(self, place: int, policy: str, fate: Fate, *, cause: str | None = None) -> None:
        """Restate a day, mostly right after a cause; once it is restated, a second time changes nothing."""
        if cause == "revenue":
            self.correct_revenue(place, 50 + place % 101, Fate(LIVES))
        elif cause is not None:
            self.find_invalid_viewer(place, cause == "cleared", Fate(LIVES))
        day = self._day(place)
        if self._is_done(lambda: self.books.restate(day, policy), fate):
            rows = self.books.rows("payout_adjustments", day)
            assert self.books.restate(day, policy).changes is None
            assert self.books.rows("payout_adjustments", day) == rows

    @rule(place=PLACES, fate=FATES)
    def post(self, place: int, fate: Fate) -> None:
        """Post a booking day of the first open month."""
        days = ((DAY, NEXT), (LATER, DECEMBER), (DECEMBER + timedelta(days=1),))[len(self._closed)]
        day = days[place % len(days)]
        if self._is_done(lambda: post_day(self.books.at(day)), fate):
            self._post(day)

    def _post(self, day: date) -> None:
        changes = [self.books.rows(table) for table in ("payout_adjustments", "pool_adjustments")]
        self.model.post(day, self.nights.get(day), *changes)
        for row in self.books.rows("payments"):
            if row["status"] == RETURNED and row["booked_on"] == day:
                self.model.give_back(row["payment_id"], row["payee_id"], row["amount_micros"], day)

    @precondition(lambda self: len(self.days) == 2 and len(self.model.closed) < len(MONTHS))
    @rule(fate=ENDS)
    def close(self, fate: Fate) -> None:
        """Close the first open month, the second one without all of its days, and compare it with the model's."""
        month = MONTHS[len(self._closed)]
        begins = first_day(month)
        without = [] if month == NOVEMBER else [begins + timedelta(days=n) for n in range((month - begins).days + 1)]

        def command() -> None:
            run = self.books.at(month, f"settlement.minimum_payment_micros={MINIMUM}")
            close_month(run, accept_late=True, without=without)

        self._is_done(command, fate)
        booked = [row["booked_on"] for table in ("pool_adjustments", "payments") for row in self.books.rows(table)]
        for day in sorted({*self.days, month, *booked} - {None}):
            if begins <= day <= month:
                self._post(day)
        self.model.close(month, MINIMUM)
        self.kept[month] = self._closed_rows(month)

    @precondition(lambda self: self.model.closed)
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
        name, day = f"report-{self.step}", self._open_from
        outcome = Outcome(rows[0]["payment_id"], status, rows[0]["amount_minor"], day)

        def command() -> object:
            return import_outcomes(self.books.at(day), [outcome], name)

        if self._is_done(command, fate):
            with pytest.raises(InputError, match=f"is {status} already"):
                import_outcomes(self.books.at(day), [outcome], f"{name}-again")

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
        own = {key: micros for key, micros in found.items() if key[0] in OWED and micros}
        assert own == self.model.balances()
        for month in self._closed:
            due = [row["amount_micros"] for row in self.books.rows("payments", month) if row["status"] == DUE]
            sums = export_due(self.books.reader, month, self.books.folder / "due.csv")
            assert sums == ({"USD": (len(due), sum(due))} if due else {})

    @precondition(lambda self: self.model.nights)
    @rule()
    def verify(self) -> None:
        """Verify the months from the tables."""
        posted = {run.day for run in published_runs(self.books.reader, POST)}
        for month in (*MONTHS, next_month(DECEMBER)):
            if month not in self._closed and max(posted) < first_day(month):
                continue
            assert [check for check in verify_month(self.books.at(month, dry_run=True)) if not check.passed] == []

    @rule(fate=ENDS)
    def maintain(self, fate: Fate) -> None:
        """Compact the tables."""
        is_certain(lambda: [*maintain_tables(self.books.tables, timedelta(days=1))], fate)

    def _closed_rows(self, month: date) -> dict[str, list[str]]:
        rows = {table: self.books.rows(table, month) for table in ("payee_balances", "payments")}
        own = (row for row in self.books.rows("journal") if first_day(month) <= row["booked_on"] <= month)
        return {
            table: sorted(str({key: value for key, value in row.items() if key not in STATE}) for row in found)
            for table, found in {**rows, "journal": own}.items()
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
            if row["account"] in OWED:
                balances[row["account"], row["payee_id"]] += row["amount_micros"]
        assert not any(entries.values())
        assert {key: micros for key, micros in balances.items() if micros} == self.model.balances()
        for day in self.days:
            self._check_day(day, journal)
        pools = self.books.rows("pool_adjustments")
        unposted = [row for row in pools if (row["service_date"], row["sequence"]) not in self.model.adjusted]
        assert [row for row in unposted if row["booked_on"] < self._open_from] == []
        self._check_months()

    def _check_months(self) -> None:
        """Balances and payments of closed months are the model's, go on from month to month, and never change."""
        found: defaultdict[date, dict[str, dict[str, Any]]] = defaultdict(dict)
        for row in self.books.rows("payee_balances"):
            assert row["payee_id"] not in found[row["date"]], row
            assert row["currency"] == "USD"
            numbers = {name: row[f"{name}_micros"] for name in BALANCES}
            found[row["date"]][row["payee_id"]] = numbers | {"reason": row["reason"]}
        assert sorted(found) == self._closed
        for month, balances in found.items():
            # A payee whose lines of a month sum to 0 has a row, which the model may lack.
            own, expected = (
                {name: row for name, row in rows.items() if any(row[kind] for kind in BALANCES)}
                for rows in (balances, self.model.closed[month])
            )
            assert own == expected, month
            before = found.get(previous_month(month), {})
            for name, row in before.items():
                assert balances[name]["opening"] == row["closing"]
            assert not any(row["opening"] for name, row in balances.items() if name not in before)
            assert self._closed_rows(month) == self.kept[month]
        payments = self.books.rows("payments")
        assert {(row["date"], row["payee_id"]): row["amount_micros"] for row in payments} == self.model.payments()
        assert len({row["payment_id"] for row in payments}) == len(payments)

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
        """Payees have what videos are settled, each other account what was published and adjusted, and all sum to 0."""
        own = [row for row in journal if row["service_date"] == day]
        sides: Counter[tuple[str, str]] = Counter()
        for row in own:
            if row["account"] not in OWED:
                sides[row["account"], row["reference"]] += row["amount_micros"]
        assert {side: micros for side, micros in sides.items() if micros} == {
            side: micros for side, micros in self.model.sides[day].items() if micros
        }
        payees = sum(row["amount_micros"] for row in own if row["account"] in ("Payable", "Held"))
        posted = {number for number in self.model.adjusted if number[0] == day}
        changes = self.books.rows("payout_adjustments", day)
        booked = sum(row["change_micros"] for row in changes if (day, row["sequence"]) in posted)
        assert payees == booked + (sum(self.model.earned[day].values()) if day in self.model.nights else 0)
        assert sum(row["amount_micros"] for row in own) == 0


def run_histories(spark: SparkSession, source: Path, folder: Path, histories: int, steps: int, start: int) -> None:
    """Run random histories; a failing one is printed as it was made, as to shorten it would take an hour."""
    facts = {"spark": spark, "source": source, "folder": folder}
    before = BooksMachine.closed
    with pytest.MonkeyPatch.context() as patch:
        # By default each history has some kinds of steps only: hardly one restates what another step has found.
        patch.setattr(FeatureFlags, "is_enabled", lambda *_: True)
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
    assert BooksMachine.closed > before


@pytest.mark.once
@pytest.mark.usefixtures("later_clock")
@pytest.mark.timeout(1200)
def test_a_few_histories_keep_the_books(spark: SparkSession, paid_days: Path, tmp_path: Path) -> None:
    run_histories(spark, paid_days.parent, tmp_path, 3, 8, 0)


@pytest.mark.prove
@pytest.mark.once
@pytest.mark.usefixtures("later_clock")
@pytest.mark.timeout(0)
def test_many_histories_keep_the_books(
    spark: SparkSession, paid_days: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    histories, start = (int(request.config.getoption(name)) for name in ("--histories", "--seed"))
    run_histories(spark, paid_days.parent, tmp_path, histories, 30, start)
