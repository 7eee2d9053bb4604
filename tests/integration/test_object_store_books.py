"""What becomes of money after the night works in an object store as it does in a folder, files for others included."""

from __future__ import annotations

import csv
from collections import Counter

import pytest
from tests.integration.jobs import Jobs
from tests.stages.settled_days import DAY, MARKET, NEXT, SERVICE_DAYS, invalid_viewer
from tests.tolerant import TOLERANT
from tools.object_store import ObjectStore

from creatorpool.runs.published_rows import published_arrow
from creatorpool.settlement.journal import PAYABLE
from creatorpool.storage.places import tables_root
from creatorpool.synthetic.day import generate_day
from creatorpool.tables import Warehouse

pytestmark = [pytest.mark.once, pytest.mark.timeout(900)]


def test_month_is_corrected_closed_and_paid_in_an_object_store(store: ObjectStore, jobs: Jobs) -> None:
    root, files = store.uri("settled"), store.bucket / "files"
    tables = Warehouse(None, tables_root(root))

    def done(*words: object) -> str:
        ended = jobs.verb(*words, "--root", root)
        assert ended.returncode == 0, f"{words}: {ended.stderr}"
        return ended.stdout

    for day in SERVICE_DAYS:
        generate_day(store.bucket / "raw" / f"{day}", day, MARKET)
        done("run", "--date", day, "--source", store.uri(f"raw/{day}"), "--set", TOLERANT)
    viewers = tables.read_arrow("events", ["viewer_id"], day=DAY).column("viewer_id").to_pylist()
    found = invalid_viewer(max(sorted(set(viewers)), key=viewers.count))
    files.mkdir()
    (files / "bots.csv").write_text(f"{','.join(found)}\n{','.join(found.values())}\n")
    done("load", "invalid_viewers", "--source", store.uri("files/bots.csv"))
    done("restate", "--date", DAY, "--dry-run")
    assert not tables.exists("payout_adjustments")
    done("restate", "--date", DAY)
    changes = published_arrow(tables, "payout_adjustments", [DAY]).column("change_micros").to_pylist()
    assert any(changes)
    done("restate", "--date", NEXT)
    done("journal", "post", "--date", DAY)
    done("close", "--month", f"{NEXT:%Y-%m}", "--set", "settlement.minimum_payment_micros=1")
    done("verify", "--month", f"{NEXT:%Y-%m}", "--set", "settlement.minimum_payment_micros=1")
    for form in ("beancount", "csv"):
        done("journal", "export", "--format", form, "--output", store.uri(f"files/books.{form}"))
    done("payments", "export", "--month", f"{NEXT:%Y-%m}", "--output", store.uri("files/due.csv"))
    done("journal", "statements", "--month", f"{NEXT:%Y-%m}", "--output", store.uri("files/statements"))
    written = {path.name for path in (files / "statements" / f"{NEXT:%Y-%m}").iterdir()}
    assert written == {"index.html", "statements.csv", "payees"}

    with (files / "books.csv").open(newline="") as text:
        lines = list(csv.DictReader(text))
    entries: Counter[str] = Counter()
    for line in lines:
        entries[line["entry_id"]] += int(line["amount_micros"])
    assert lines
    assert not any(entries.values())
    with (files / "due.csv").open(newline="") as text:
        due = list(csv.DictReader(text))
    paid = sum(int(line["amount_micros"]) for line in lines if (line["account"], line["kind"]) == (PAYABLE, "payment"))
    assert sum(int(row["amount_minor"]) * 10_000 for row in due) == -paid > 0
    report = "".join(f"{row['payment_id']},paid,{row['amount_minor']},2026-12-02\n" for row in due)
    (files / "report.csv").write_text(f"payment_id,status,amount_minor,settled_on\n{report}")
    done("payments", "import", store.uri("files/report.csv"))
    payments = published_arrow(tables, "payments", [NEXT])
    assert payments.column("status").to_pylist() == ["paid"] * len(due)
    statement = done("journal", "statement", "--month", f"{NEXT:%Y-%m}", "--payee", due[0]["payee_id"])
    assert statement.startswith(f"Payee {due[0]['payee_id']}: statement of {NEXT:%Y-%m}, in USD")
    ended = jobs.verb("payments", "import", store.uri("files/nothing.csv"), "--root", root)
    assert ended.returncode == 2
    assert "nothing.csv cannot be read" in ended.stderr
