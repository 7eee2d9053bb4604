"""Random histories of the books on real tables, with commands killed at their writes, beside a model in fractions.

After each step: every entry sums to 0; each service day closes; what each payee is owed, has on hold and got is what
the model says; a closed month's rows are as they were; no payment is made twice.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from pyspark.sql import SparkSession
from tests.stages.books_model import Model
from tests.stages.settled_days import DAY, NEXT, SERVICE_DAYS, Books

from creatorpool.settlement.outcomes import Outcome
from creatorpool.stages.closing import close_month
from creatorpool.stages.payments import import_outcomes
from creatorpool.stages.posting import post_day
from creatorpool.stages.recovery import recover
from creatorpool.tables import Warehouse

MINIMUM = 2_000_000
DAYS = st.sampled_from(SERVICE_DAYS)
DECEMBER = NEXT + timedelta(days=1)
PLACES = st.integers(0, 10**6)
KILLS = st.integers(0, 12)
CLOSED = ("journal", "payee_balances", "payments")


class Killed(BaseException):
    """Stands for a process that ends at a write."""


def killing(books: Books, command: Callable[[], object], at: int) -> None:
    """Run `command`; end it at its write number `at`, if it has so many, and run it again. 0 kills nothing."""
    writes = {"left": at}

    def write(original: Callable[..., Any]) -> Callable[..., Any]:
        def called(*args: Any, **kwargs: Any) -> Any:
            writes["left"] -= 1
            if writes["left"] == 0:
                raise Killed
            return original(*args, **kwargs)

        return called

    with pytest.MonkeyPatch.context() as patch:
        for name in ("commit", "replace_day_records", "append_records"):
            patch.setattr(Warehouse, name, write(getattr(Warehouse, name)))
        try:
            command()
            return
        except Killed:
            pass
    recover(books.tables, books.at(DAY).log)
    command()


class BooksMachine(RuleBasedStateMachine):
    """The books over a copy of two paid days at the end of November."""

    source: Path
    spark: SparkSession
    folder: Path
    number = 0

    def __init__(self) -> None:
        super().__init__()
        BooksMachine.number += 1
        place = self.folder / f"history-{BooksMachine.number}"
        self.books = Books(self.spark, Path(shutil.copytree(self.source, place / "tables")), place)
        self.model = Model(earned={day: self._totals(day) for day in SERVICE_DAYS})
        self.viewers = sorted(
            set(self.books.tables.read_arrow("events", ["viewer_id"]).column("viewer_id").to_pylist())
        )
        self.videos = sorted({(row["video_id"], row["creator_id"]) for row in self.books.rows("video_payouts")})
        self.is_closed = False
        self.kept: dict[str, list[Any]] = {}
        self.step = 0

    def _totals(self, day: date) -> dict[str, int]:
        return {row["video_id"]: row["total_micros"] for row in self.books.rows("video_payouts", day)}

    def teardown(self) -> None:
        shutil.rmtree(self.books.folder)

    @rule(place=PLACES, is_cleared=st.booleans(), kill=KILLS)
    def find_invalid_viewer(self, place: int, is_cleared: bool, kill: int) -> None:
        until = "2026-11-01" if is_cleared else ""
        viewer = self.viewers[place % min(5, len(self.viewers))]
        killing(self.books, lambda: self.books.invalid(viewer, until), kill)

    @rule(day=DAYS, place=PLACES, kill=KILLS)
    def deliver_late_event(self, day: date, place: int, kill: int) -> None:
        rows = self.books.tables.read_arrow("events", day=day)
        one = rows.slice(place % rows.num_rows, 1).to_pylist()[0]
        self.step += 1
        flags = {name: str(value).lower() for name, value in one.items() if isinstance(value, bool)}
        facts = {
            name: "" if value is None else value for name, value in one.items() if name not in ("date", "event_ts")
        }
        row = facts | flags | {"event_id": f"late-{self.step}", "event_ts": f"{day}T10:00:00Z"}
        killing(self.books, lambda: self.books.load("events", row, day=day), kill)

    @rule(day=DAYS, percent=st.integers(50, 150), kill=KILLS)
    def correct_revenue(self, day: date, percent: int, kill: int) -> None:
        rows = [dict(row) for row in self.books.tables.read_arrow("ad_revenue", day=day).to_pylist()]
        for row in rows:
            row["revenue_micros"] = row["revenue_micros"] * percent // 100
            row["video_id"] = row["video_id"] or ""
        killing(self.books, lambda: self.books.load("ad_revenue", *rows, day=day), kill)

    @rule(place=PLACES, share=st.integers(0, 500_000), is_second=st.booleans(), kill=KILLS)
    def change_rights(self, place: int, share: int, is_second: bool, kill: int) -> None:
        video, _ = self.videos[place % len(self.videos)]
        payee = "band" if is_second else "label"
        row = {"video_id": video, "payee_id": payee, "valid_from": "2026-11-01", "share_ppm": share}
        killing(self.books, lambda: self.books.load("video_rights", row), kill)
        self.model.rights[video, payee] = row

    @rule(kind=st.sampled_from(["payee", "creator", "video"]), place=PLACES, share=st.integers(1, 10**6), kill=KILLS)
    def put_on_hold(self, kind: str, place: int, share: int, kill: int) -> None:
        video, creator = self.videos[place % len(self.videos)]
        subject = {"payee": "label" if place % 2 else creator, "creator": creator, "video": video}[kind]
        self.step += 1
        self._hold({"hold_id": f"h{self.step}", "subject_kind": kind, "subject_id": subject, "share_ppm": share}, kill)

    @precondition(lambda self: any(hold["until_date"] is None for hold in self.model.holds.values()))
    @rule(kill=KILLS)
    def end_hold(self, kill: int) -> None:
        name = min(name for name, hold in self.model.holds.items() if hold["until_date"] is None)
        hold = self.model.holds[name]
        own = {key: hold[key] for key in ("hold_id", "subject_kind", "subject_id", "share_ppm")}
        self._hold(own, kill, DAY)

    def _hold(self, own: dict[str, Any], kill: int, until: date | None = None) -> None:
        row = own | {"from_date": DAY, "until_date": until or "", "reason_code": "dispute", "note": ""}
        killing(self.books, lambda: self.books.load("holds", row), kill)
        self.model.holds[own["hold_id"]] = row | {"until_date": until}

    @rule(day=DAYS, policy=st.sampled_from(["full", "full", "claw_back", "hold_harmless"]), kill=KILLS)
    def restate(self, day: date, policy: str, kill: int) -> None:
        killing(self.books, lambda: self.books.restate(day, policy), kill)
        rows = self.books.rows("payout_adjustments", day)
        assert self.books.restate(day, policy).changes is None
        assert self.books.rows("payout_adjustments", day) == rows

    @rule(place=st.integers(0, 2), kill=KILLS)
    def post(self, place: int, kill: int) -> None:
        day = DECEMBER if self.is_closed else (*SERVICE_DAYS, DECEMBER)[place]
        if not self.is_closed and day == DECEMBER:
            return
        killing(self.books, lambda: post_day(self.books.at(day)), kill)
        self._post(day)

    def _post(self, day: date) -> None:
        totals = self.books.rows("video_payouts", day) if day in SERVICE_DAYS else None
        self.model.post(day, totals, self.books.rows("payout_adjustments"))

    @precondition(lambda self: not self.is_closed)
    @rule(kill=KILLS)
    def close(self, kill: int) -> None:
        def command() -> None:
            close_month(self.books.at(NEXT, f"settlement.minimum_payment_micros={MINIMUM}"), accept_late=True)

        killing(self.books, command, kill)
        for day in SERVICE_DAYS:
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
    @rule(status=st.sampled_from(["paid", "returned"]), kill=KILLS)
    def report_payment(self, status: str, kill: int) -> None:
        possible = ("due",) if status == "paid" else ("due", "paid")
        rows = sorted(
            (row for row in self.books.rows("payments") if row["status"] in possible), key=lambda row: row["payment_id"]
        )
        if not rows:
            return
        self.step += 1
        name, outcome = f"report-{self.step}", Outcome(rows[0]["payment_id"], status, rows[0]["amount_minor"], DECEMBER)
        killing(self.books, lambda: import_outcomes(self.books.at(DECEMBER), [outcome], name), kill)
        if status == "returned":
            killing(self.books, lambda: post_day(self.books.at(DECEMBER)), kill)
            self._post(DECEMBER)
            self.model.give_back(rows[0]["payee_id"], rows[0]["amount_micros"])

    def _closed_rows(self) -> dict[str, list[Any]]:
        rows = {table: self.books.rows(table, NEXT) for table in CLOSED} | {"earlier": self.books.rows("journal", DAY)}
        # What became of a payment is known later; the payment itself never changes.
        state = ("status", "settled_on", "booked_on", "import_id")
        return {
            table: sorted(str({key: value for key, value in row.items() if key not in state}) for row in found)
            for table, found in rows.items()
        }

    @invariant()
    def books_are_kept(self) -> None:
        """Check what must hold after every step."""
        journal = self.books.rows("journal")
        entries: Counter[str] = Counter()
        for row in journal:
            entries[row["entry_id"]] += row["amount_micros"]
        assert not any(entries.values())
        model = {("Payable", payee): micros for payee, micros in self.model.payable.items()}
        model |= {("Cash", payee): micros for payee, micros in self.model.cash.items()}
        for (payee, _), micros in self.model.held.items():
            model["Held", payee] = model.get(("Held", payee), 0) + micros
        assert self.books.balances("Payable", "Held", "Cash") == {
            key: micros for key, micros in model.items() if micros
        }
        for day in SERVICE_DAYS:
            self._check_day(day, journal)
        if self.is_closed:
            assert self._closed_rows() == self.kept

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


def run_histories(spark: SparkSession, source: Path, folder: Path, histories: int, steps: int) -> None:
    machine = type("OwnBooks", (BooksMachine,), {"spark": spark, "source": source, "folder": folder})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=histories,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.once
@pytest.mark.timeout(1200)
def test_a_few_histories_keep_the_books(spark: SparkSession, paid_days: Path, tmp_path: Path) -> None:
    run_histories(spark, paid_days, tmp_path, 2, 6)


@pytest.mark.prove
@pytest.mark.once
@pytest.mark.timeout(0)
def test_many_histories_keep_the_books(spark: SparkSession, paid_days: Path, tmp_path: Path) -> None:
    run_histories(spark, paid_days, tmp_path, 300, 30)
