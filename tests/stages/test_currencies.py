"""Revenue in several currencies: converted exactly, by the day's rates, and again when the day is restated."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from fractions import Fraction
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from tests.stages.settled_days import DAY, MARKET, NEXT, Books

from creatorpool.errors import ContractViolationError, InputError
from creatorpool.report.console import PlainConsole
from creatorpool.report.ingest_summary import print_delivered
from creatorpool.runs.ledger import INGEST, StageRun, publish_run, published_run
from creatorpool.runs.pools import published_pools
from creatorpool.runs.retention import named_versions
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.closing import close_month
from creatorpool.stages.ingestion import publish_ingestion
from creatorpool.stages.loading import load_table
from creatorpool.stages.posting import post_day
from creatorpool.stages.reingestion import reingest_day
from creatorpool.synthetic.day import generate_day
from creatorpool.verification.conversion import conversion_checks
from creatorpool.verification.day import verify_day
from creatorpool.verification.month import verify_month

pytestmark = pytest.mark.once  # tests/settlement/frames/test_conversion.py converts on both engines

USD = "settlement.currency=USD"
RATES = {"EUR": "1.086437219871", "GBP": "1.3"}

Row = dict[str, Any]


def rate(currency: str, value: str, day: date = DAY) -> Row:
    return {"date": day, "currency": currency, "rate": value, "source": "bank"}


def in_several_currencies(rows: list[Row]) -> list[Row]:
    """A third of each category's revenue in EUR, as a row beside the one in USD, Pulse in GBP, and a refund in EUR."""
    pools = [row for row in rows if row["placement"] == "non_pulse"]
    thirds = [row | {"currency": "EUR", "revenue_micros": row["revenue_micros"] // 3 + 1} for row in pools]
    pulse = [row | {"currency": "GBP"} for row in rows if row["placement"] == "pulse"]
    refund = pools[0] | {"placement": "refund", "currency": "EUR", "revenue_micros": -1_234_567}
    return [*pools, *thirds, *pulse, refund]


def rewrite(folder: Path, change: Any) -> list[Row]:
    path = folder / "ad_revenue.parquet"
    table = pq.read_table(path)
    rows: list[Row] = change(table.to_pylist())
    pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), path)
    return rows


def write_rates(folder: Path, *rows: Row) -> None:
    pq.write_table(pa.Table.from_pylist([*rows]), folder / "fx_rates.parquet")


def in_usd(row: Row, rates: dict[str, str]) -> int:
    return round(row["revenue_micros"] * Fraction(rates.get(row["currency"], "1")))


def net(rows: list[Row], rates: dict[str, str]) -> Counter[str]:
    """Micros of each pool before the platform's share, computed in fractions."""
    found: Counter[str] = Counter()
    for row in rows:
        if row["placement"] != "pulse":
            found[row["category"]] += in_usd(row, rates)
    return found


def paid_net(books: Books, day: date = DAY) -> dict[str, int]:
    return {
        row["category"]: row["gross_micros"] + row["refunds_micros"] + row["carried_in_micros"]
        for row in books.rows("pool_revenue", day)
    }


def pay(books: Books, day: date, source: Path, *assignments: str) -> None:
    run = books.at(day, *assignments)
    publish_ingestion(run, source)
    publish_payouts(run)


def ingested(books: Books, day: date = DAY) -> StageRun:
    run = published_run(books.tables, INGEST, day)
    assert run is not None
    return run


def failed(books: Books, day: date = DAY) -> list[str]:
    return [check.name for check in verify_day(books.at(day, dry_run=True)) if not check.passed]


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Deliveries of both days in three currencies; the first one brings its rates."""
    folder = tmp_path_factory.mktemp("currencies")
    for day in (DAY, NEXT):
        generate_day(folder / f"raw-{day}", day, MARKET)
        rewrite(folder / f"raw-{day}", in_several_currencies)
    write_rates(folder / f"raw-{DAY}", *(rate(*pair) for pair in RATES.items()), rate("USD", "1"))
    return folder


@pytest.fixture(scope="module")
def converted_days(spark: SparkSession, delivered: Path) -> Path:
    """A root with the first day, paid in USD."""
    books = Books(spark, delivered / "tables", delivered)
    pay(books, DAY, delivered / f"raw-{DAY}", USD)
    return books.root


@pytest.fixture
def books(spark: SparkSession, converted_days: Path, tmp_path: Path) -> Books:
    return Books(spark, Path(shutil.copytree(converted_days, tmp_path / "tables")), tmp_path)


@pytest.fixture
def raw(delivered: Path, tmp_path: Path) -> dict[date, Path]:
    """Copies of the deliveries by day."""
    return {day: Path(shutil.copytree(delivered / f"raw-{day}", tmp_path / f"raw-{day}")) for day in (DAY, NEXT)}


def test_pools_get_the_sum_of_exactly_converted_rows(books: Books, raw: dict[date, Path]) -> None:
    rows = pq.read_table(raw[DAY] / "ad_revenue.parquet").to_pylist()
    stored = books.tables.read_arrow("ad_revenue", day=DAY).to_pylist()

    def as_stored(row: Row) -> Row:
        if row["currency"] == "USD":
            return row | {"original_amount_micros": None, "original_currency": None, "fx_rate": None}
        original = {"original_amount_micros": row["revenue_micros"], "original_currency": row["currency"]}
        return (
            row
            | original
            | {"fx_rate": RATES[row["currency"]], "revenue_micros": in_usd(row, RATES), "currency": "USD"}
        )

    assert sorted(stored, key=str) == sorted(map(as_stored, rows), key=str)
    assert paid_net(books) == net(rows, RATES)
    assert {row["currency"] for row in books.rows("video_payouts", DAY)} == {"USD"}
    assert failed(books) == []
    (check,) = conversion_checks(books.at(DAY), ingested(books).outputs["ad_revenue"])
    assert check.compared == sum(row["currency"] != "USD" for row in rows)


def test_summary_ledger_and_retention_know_the_rates(books: Books, raw: dict[date, Path]) -> None:
    run = ingested(books)
    out = StringIO()
    print_delivered(PlainConsole(width=200, file=out), run, books.tables)

    rows = [row for row in pq.read_table(raw[DAY] / "ad_revenue.parquet").to_pylist() if row["currency"] == "EUR"]
    assert f"ad_revenue: {len(rows)} rows in EUR, in sum " in out.getvalue()
    assert "at rate 1.086437219871 (bank)" in out.getvalue()
    facts = run.inputs["converted"]["EUR"]
    assert facts["original_micros"] == sum(row["revenue_micros"] for row in rows)
    assert facts["revenue_micros"] == sum(in_usd(row, RATES) for row in rows)
    assert run.inputs["settlement_currency"] == "USD"
    later = run.finished_at.replace(year=2100)
    assert run.inputs["fx_rates"] in named_versions(books.tables, later)["fx_rates"]


def test_a_currency_without_a_rate_stops_the_day_until_the_rate_is_loaded(books: Books, raw: dict[date, Path]) -> None:
    tables = (*("events", "viewers", "videos", "ad_revenue", "fx_rates"), "fx_rates_quarantine")
    before = books.versions(tables)
    with pytest.raises(
        ContractViolationError, match=r"one_currency: .* or set settlement.currency and deliver fx_rates"
    ):
        publish_ingestion(books.at(NEXT), raw[NEXT])
    # A rate that breaks its contract is no rate.
    write_rates(raw[NEXT], rate("EUR", "1.1", NEXT), rate("GBP", "0", NEXT), rate("GBP", "1.3", DAY))
    with pytest.raises(InputError, match=rf"rate_known: fx_rates has no rate of {NEXT} for GBP \(\d+ rows, in sum"):
        publish_ingestion(books.at(NEXT, USD), raw[NEXT])
    write_rates(raw[NEXT], rate("EUR", "1.1", NEXT), rate("USD", "0.92", NEXT))
    with pytest.raises(InputError, match=rf"own_rate_is_one: USD is the settlement currency .* rate 0.92 on {NEXT}"):
        publish_ingestion(books.at(NEXT, USD), raw[NEXT])
    assert books.versions(tables) == before

    with pytest.raises(InputError, match=r"own_rate_is_one"):
        books.load("fx_rates", rate("USD", "0.92", NEXT), rate("EUR", "1", NEXT), day=DAY)
    books.load("fx_rates", *(rate(name, value, NEXT) for name, value in RATES.items()), day=DAY)
    (raw[NEXT] / "fx_rates.parquet").unlink()
    pay(books, NEXT, raw[NEXT], USD)

    rows = pq.read_table(raw[NEXT] / "ad_revenue.parquet").to_pylist()
    assert paid_net(books, NEXT) == net(rows, RATES)
    assert ingested(books, NEXT).inputs["fx_rates"] == books.tables.version("fx_rates")
    assert failed(books, NEXT) == []


def test_other_settlement_currencies_and_delivered_originals_are_refused(books: Books, raw: dict[date, Path]) -> None:
    with pytest.raises(InputError, match=rf"settlement.currency: revenue of {DAY} was converted into USD"):
        publish_ingestion(books.at(NEXT, "settlement.currency=EUR"), raw[NEXT])
    path = raw[NEXT] / "ad_revenue.parquet"
    pq.write_table(books.tables.read_arrow("ad_revenue", day=DAY), path)
    with pytest.raises(ContractViolationError, match=r"conversion_left_empty .*in the row's own currency"):
        load_table(books.at(DAY), "ad_revenue", path)


def test_a_corrected_rate_counts_when_the_day_is_restated(books: Books, raw: dict[date, Path]) -> None:
    rows = pq.read_table(raw[DAY] / "ad_revenue.parquet").to_pylist()
    earned = books.earned()
    assert all(pool.booked.is_nothing for pool in books.restate().pools)
    books.load("fx_rates", rate("EUR", "2", NEXT))
    assert books.restate().pools == ()  # it is the rate of another day

    books.load("fx_rates", rate("EUR", "1.2"))
    assert (books.earned(), books.settled(), failed(books)) == (earned, earned, [])

    done = books.restate()

    assert done.reason == "revenue_corrected"
    now = net(rows, RATES | {"EUR": "1.2"})
    assert {pool.category: pool.restated.gross for pool in done.pools if pool.category != "pulse"} == now
    assert books.settled() != earned
    assert books.restate().pools == ()
    assert failed(books) == []
    books.load("fx_rates", rate("EUR", RATES["EUR"]))
    books.restate()
    assert books.settled() == earned


def test_corrected_revenue_is_converted_into_the_currency_of_the_day(books: Books, raw: dict[date, Path]) -> None:
    rows = rewrite(raw[DAY], lambda rows: [row | {"revenue_micros": 2 * row["revenue_micros"]} for row in rows])
    run = load_table(books.at(DAY), "ad_revenue", raw[DAY] / "ad_revenue.parquet")

    assert run.inputs["converted"]["EUR"]["into"] == "USD"
    assert {pool.category: pool.restated.gross for pool in books.restate().pools if pool.category != "pulse"} == net(
        rows, RATES
    )
    rewrite(raw[DAY], lambda rows: [row | {"currency": "EUR"} for row in rows if row["currency"] == "GBP"])
    with pytest.raises(
        InputError, match=rf"ad_revenue of {DAY} is in USD, in which the day was paid, and would be in EUR"
    ):
        load_table(books.at(DAY, "settlement.currency=EUR"), "ad_revenue", raw[DAY] / "ad_revenue.parquet")


def test_reingestion_converts_by_the_rates_that_stand_in_the_table(books: Books, raw: dict[date, Path]) -> None:
    rows = pq.read_table(raw[DAY] / "ad_revenue.parquet").to_pylist()
    assert reingest_day(books.at(DAY, USD), raw[DAY]).before is None
    books.load("fx_rates", rate("EUR", "1.2"))

    done = reingest_day(books.at(DAY, USD), raw[DAY])

    assert done.rows["ad_revenue"].changed == sum(row["currency"] == "EUR" for row in rows)
    assert paid_net(books) == net(rows, RATES | {"EUR": "1.2"})
    assert failed(books) == []
    assert reingest_day(books.at(DAY, USD), raw[DAY]).before is None


def test_verify_finds_another_amount_and_another_rate(books: Books) -> None:
    run, tables = ingested(books), books.tables
    rows = tables.read_arrow("ad_revenue", day=DAY).to_pylist()
    at = next(number for number, row in enumerate(rows) if row["original_currency"] == "EUR")
    wrong = {"revenue_micros": {"revenue_micros": rows[at]["revenue_micros"] + 1}, "fx_rate": {"fx_rate": "1.1"}}
    messages = {
        "revenue_micros": r"in EUR: revenue is .* USD, must be",
        "fx_rate": "converted at 1.1, but fx_rates has",
    }
    for name, change in wrong.items():
        changed = [row | change if number == at else row for number, row in enumerate(rows)]
        tables.replace_day_records(changed, "ad_revenue", DAY, seen=tables.version("ad_revenue"))
        version = tables.version("ad_revenue")
        publish_run(tables, replace(run, outputs={**run.outputs, "ad_revenue": version}))
        (check,) = conversion_checks(books.at(DAY), version)
        assert check.differences == 1
        assert check.example is not None
        assert re.search(messages[name], check.example)


def test_a_month_closes_with_days_in_several_currencies(books: Books, raw: dict[date, Path]) -> None:
    rewrite(raw[NEXT], lambda rows: [row | {"currency": "EUR"} for row in rows if row["currency"] == "USD"])
    pay(books, NEXT, raw[NEXT])
    minimum = "settlement.minimum_payment_micros=1"
    books.load("fx_rates", rate("EUR", "1.2"))
    with pytest.raises(InputError, match=rf"events, .* rates, viewers or videos of \['{DAY}'\] arrived"):
        close_month(books.at(NEXT, minimum))
    books.load("fx_rates", rate("EUR", RATES["EUR"]))

    close_month(books.at(NEXT, minimum))

    assert [check.name for check in verify_month(books.at(NEXT, minimum, dry_run=True)) if not check.passed] == []
    balances: Counter[str] = Counter()
    for row in books.rows("payee_balances"):
        balances[row["currency"]] += row["earned_micros"]
    earned = {day: sum(pool.paid_micros for pool in published_pools(books.tables, day).values()) for day in (DAY, NEXT)}
    pulse = {day: sum(row["pulse_micros"] for row in books.rows("video_payouts", day)) for day in (DAY, NEXT)}
    assert balances == {"USD": earned[DAY] + pulse[DAY], "EUR": earned[NEXT] + pulse[NEXT]}


def test_days_in_no_currency_are_paid_and_close_says_what_to_do(books: Books, raw: dict[date, Path]) -> None:
    rewrite(raw[NEXT], lambda rows: [row | {"currency": "XXX"} for row in rows if row["currency"] == "USD"])
    pay(books, NEXT, raw[NEXT])
    assert failed(books, NEXT) == []
    versions = books.versions(["stage_runs"])
    with pytest.raises(
        InputError, match=rf"2026-11 cannot be closed: {NEXT} is paid in XXX, .*--date {NEXT} --reingest"
    ):
        close_month(books.at(NEXT))
    with pytest.raises(
        InputError, match=rf"{NEXT} cannot be posted: {NEXT} is paid in XXX, .*--date {NEXT} --reingest"
    ):
        post_day(books.at(NEXT))
    with pytest.raises(InputError, match=rf"{NEXT} cannot be restated: {NEXT} is paid in XXX"):
        books.restate(NEXT)
    assert books.versions(["stage_runs"]) == versions

    books.load("fx_rates", rate("XXX", "0.5", NEXT))
    reingest_day(books.at(NEXT, USD), raw[NEXT])
    close_month(books.at(NEXT))

    assert {row["currency"] for row in books.rows("payee_balances")} == {"USD"}
