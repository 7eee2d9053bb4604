"""A payee's statement for a month: every amount with its reason in words, and the numbers add up on the page."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.chromium import WIDTHS, Browser
from tests.hostile_names import ALLOWED, NAMES, Structure
from tests.statements.parsed import StatementPage, micros_of

from creatorpool.errors import SettlementError
from creatorpool.quoting import file_stem, in_html, one_line
from creatorpool.report.statement_files import page_name, write_csv
from creatorpool.statements import month_page
from creatorpool.statements.month import Beside, BookFacts, LeftOut, MonthStatement, Part, month_statement
from creatorpool.statements.month_index import index_page
from creatorpool.statements.month_page import statement_page
from creatorpool.statements.month_text import as_text
from creatorpool.statements.month_words import (
    HOLDS,
    NO_IMPRESSIONS,
    NOT_COMPLIANT,
    hold_words,
    restatement_words,
    share_words,
)

DAY = date(2026, 11, 29)
END = date(2026, 11, 30)


def line(account: str, kind: str, micros: int, reference: str | None = None, **others: Any) -> dict[str, Any]:
    own = {"booked_on": DAY, "entry_id": kind, "service_date": DAY, "account": account, "kind": kind}
    return own | {"amount_micros": micros, "reference": reference} | others


BALANCE = {
    "payee_id": "<band>",
    "month": "2026-11",
    "currency": "USD",
    "opening_micros": 5_000_000,
    "earned_micros": 10_000_000,
    "adjusted_micros": -2_000_000,
    "held_micros": 1_000_000,
    "released_micros": 500_000,
    "returned_micros": 0,
    "paid_micros": 12_492_550,
    "closing_micros": 7_450,
    "held_balance_micros": 500_000,
    "reason": "paid",
}
LINES = [
    line("Payable", "night", 9_000_000),
    line("Held", "night", 1_000_000, "h1"),
    line("Payable", "adjustment", -2_000_000),
    line("Payable", "release", 500_000, "h1"),
    line("Held", "release", -500_000, "h1"),
    line("Payable", "payment", -12_492_550, "p1", booked_on=END),
]
PARTS = {
    "night": [
        Part("music", "v1", 2_500_000),
        Part("comedy", "v2", 500_001, "cap", 333_300),
        Part("comedy", "v1", 6_999_999),
    ],
    "adjustment": [Part("comedy", "v1", -3_000_000), Part("music", "v1", 1_000_000)],
}
FACTS = BookFacts(
    {"adjustment": {"reason_code": "invalid_viewers", "note": "click farm"}},
    {"h1": {"reason_code": "dispute", "note": None}},
)
PAYMENTS = [
    {
        "payment_id": "p1",
        "currency": "USD",
        "amount_micros": 12_492_550,
        "status": "paid",
        "settled_on": date(2026, 12, 2),
    }
]
LEFT_OUT = [LeftOut("v3", NOT_COMPLIANT, 1, DAY, DAY), LeftOut("v4", NO_IMPRESSIONS, 2, DAY, END)]
APPEALS = [
    {
        "appeal_id": "a1",
        "subject_kind": "video",
        "subject_id": "v3",
        "service_date": DAY,
        "received_on": END,
        "decision": "upheld, the day is restated",
        "decided_on": date(2026, 12, 1),
    },
    {
        "appeal_id": "a2",
        "subject_kind": "payee",
        "subject_id": "<band>",
        "service_date": END,
        "received_on": date(2026, 12, 3),
        "decision": None,
        "decided_on": None,
    },
]
BESIDE = Beside(LEFT_OUT, APPEALS)


def whole() -> MonthStatement:
    return month_statement(BALANCE, LINES, PARTS, FACTS, PAYMENTS, BESIDE)


def test_each_amount_has_its_reason_and_its_pools_and_videos() -> None:
    statement = whole()

    rows = [(str(item.booked_on), item.text, item.micros) for item in statement.items]
    assert rows == [
        ("2026-11-29", "earned for 2026-11-29", 10_000_000),
        ("2026-11-29", "adjusted for 2026-11-29: viewers who were found to be invalid (click farm)", -2_000_000),
        ("2026-11-29", "held: hold h1, a dispute about the money or its video (dispute)", -1_000_000),
        ("2026-11-29", "released: hold h1, a dispute about the money or its video (dispute)", 500_000),
        ("2026-11-30", "paid, payment p1", -12_492_550),
    ]
    assert [" ".join(row.split()) for row in as_text(statement).splitlines()] == [
        "Payee <band>: statement of 2026-11, in USD",
        "carried from the month before 5.00",
        "2026-11-29 earned for 2026-11-29 10.00",
        "comedy 7.50: v1 6.999999, v2 0.500001 (33.33 % of the video by rights, held by the cap)",
        "music 2.50: v1 2.50",
        "2026-11-29 adjusted for 2026-11-29: viewers who were found to be invalid (click farm) -2.00",
        "comedy -3.00: v1 -3.00",
        "music 1.00: v1 1.00",
        "2026-11-29 held: hold h1, a dispute about the money or its video (dispute) -1.00",
        "2026-11-29 released: hold h1, a dispute about the money or its video (dispute) 0.50",
        "2026-11-30 paid, payment p1 -12.49255",
        "carried to the next month: paid; less than the smallest unit is carried 0.00745",
        "On hold when the month ended: 0.50",
        "Payment p1, 12.49255: sent on 2026-12-02",
        "v3: not paid from pools, not compliant, on 2026-11-29",
        "v4: not paid from pools, no effective impressions: no view, or a signal at 0, on 2 days from 2026-11-29 to "
        "2026-11-30",
        "Appeal a1 about video v3 on 2026-11-29, received on 2026-11-30, decided on 2026-12-01: upheld, the day is "
        "restated",
        "Appeal a2 about the payee on 2026-11-30, received on 2026-12-03: not decided yet",
    ]
    out = io.StringIO()
    write_csv([statement], out)
    read = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert sum(int(row["micros"]) for row in read[:-1]) == int(read[-1]["micros"]) == 7_450
    assert [(row["service_date"], row["video_id"]) for row in read if row["kind"] == "appeal"] == [
        ("2026-11-29", "v3"),
        ("2026-11-30", ""),
    ]
    earned = {(row["category"], row["video_id"]): int(row["micros"]) for row in read if row["kind"] == "earned"}
    assert earned == {("music", "v1"): 2_500_000, ("comedy", "v1"): 6_999_999, ("comedy", "v2"): 500_001}


def test_reasons_of_holds_are_words_with_their_code_and_unknown_codes_stand_as_they_are() -> None:
    rows = {code: {"reason_code": code, "note": None} for code in (*HOLDS, "vip_review")}
    rows["noted"] = {"reason_code": "invalid_views", "note": "click farm"}
    rows["other"] = {"reason_code": "vip_review", "note": "asked by phone"}

    assert all(hold_words(code, rows) == f"hold {code}, {HOLDS[code]} ({code})" for code in HOLDS)
    assert hold_words("noted", rows) == "hold noted, views that may be invalid (invalid_views; click farm)"
    assert hold_words("vip_review", rows) == "hold vip_review, vip_review"
    assert hold_words("other", rows) == "hold other, vip_review (asked by phone)"
    assert hold_words("lost", rows) == "hold lost"


def test_a_restatement_names_its_note_and_the_appeal_that_it_follows() -> None:
    row = {"reason_code": "error", "note": None}

    found = [restatement_words(row | more) for more in ({}, {"appeal_id": "a1"}, {"appeal_id": "a1", "note": "tier"})]
    assert found == [
        "an error that was corrected",
        "an error that was corrected (after appeal a1)",
        "an error that was corrected (tier; after appeal a1)",
    ]


def test_shares_are_exact_percentages() -> None:
    found = [share_words(share) for share in (1, 10, 333_333, 500_000, 1_000_000)]

    assert [words.removesuffix(" % of the video by rights") for words in found] == [
        "0.0001",
        "0.001",
        "33.3333",
        "50",
        "100",
    ]


def test_the_page_adds_up_and_loads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    page = StatementPage(statement_page([whole()]))

    page.require_sums()
    assert page.sums[0] == ("carried from the month before", 5_000_000)
    assert page.sums[-1][1] == 7_450
    assert [line.micros for line in page.lines] == [10_000_000, -2_000_000, -1_000_000, 500_000, -12_492_550]
    assert page.lines[0].pools[0] == (
        "comedy",
        7_500_000,
        [("v1", 6_999_999), ("v2 33.33 % of the video by rights, held by the cap", 500_001)],
    )
    assert page.links == []
    monkeypatch.setattr(month_page, "VIDEOS_SHOWN", 1)
    cut = StatementPage(statement_page([whole()]))
    cut.require_sums()
    assert cut.lines[0].pools[0][2] == [("v1", 6_999_999), ("1 more video", 500_001)]


def test_days_that_the_month_was_closed_without_are_named() -> None:
    facts = replace(FACTS, without=[date(2026, 11, 12), date(2026, 11, 13)])
    statement = month_statement(BALANCE, LINES, PARTS, facts, PAYMENTS, BESIDE)

    words = "The month is closed without 2026-11-12, 2026-11-13: no views were recorded then, and none are paid"
    assert f"\n  {words}\n" in as_text(statement)
    assert f'<p class="lead">{words}.</p>' in statement_page([statement])
    assert f"{words}." in index_page("2026-11", [BALANCE], {"<band>": "payee.html"}, "all.csv", facts.without)
    out = io.StringIO()
    write_csv([statement], out)
    own = [row for row in csv.DictReader(io.StringIO(out.getvalue())) if row["kind"] == "without_day"]
    assert [(row["service_date"], row["micros"]) for row in own] == [("2026-11-12", "0"), ("2026-11-13", "0")]
    assert "closed without" not in as_text(whole()) + statement_page([whole()]) + index_of("band")


def test_holds_on_the_payee_that_stood_are_named_also_if_they_keep_nothing() -> None:
    holds = {**FACTS.holds, "h<2>": {"reason_code": "identity", "note": "papers"}}
    facts = replace(FACTS, holds=holds, on_payees={"<band>": ["h1", "h<2>"], "band": ["h1"]})
    statement = month_statement(BALANCE | {"reason": "on_hold"}, LINES, PARTS, facts, PAYMENTS, BESIDE)

    dispute = "hold h1, a dispute about the money or its video (dispute)"
    identity = "hold h<2>, the payee's identity is not confirmed (identity; papers)"
    assert statement.stopped_by == [dispute, identity]
    lead = "On the payee when the month ended, so that nothing is paid"
    assert f"\n  {lead}: {dispute}\n  {lead}: {identity}\n" in as_text(statement)
    assert f'<p class="lead">{lead}: {in_html(identity)}.</p>' in statement_page([statement])
    out = io.StringIO()
    write_csv([statement], out)
    own = [row["text"] for row in csv.DictReader(io.StringIO(out.getvalue())) if row["kind"] == "stopped_by"]
    assert own == [f"{lead}: {dispute}", f"{lead}: {identity}"]
    assert lead not in as_text(whole()) + statement_page([whole()])


def test_amounts_that_do_not_add_up_are_refused() -> None:
    with pytest.raises(SettlementError, match="does not lead from the opening to the closing: run `creatorpool verify"):
        month_statement(BALANCE, LINES[:-1], PARTS, FACTS)
    with pytest.raises(SettlementError, match="does not lead from the opening to the closing"):
        month_statement(BALANCE | {"earned_micros": 9_000_000, "adjusted_micros": -1_000_000}, LINES, PARTS, FACTS)
    short = PARTS | {"night": PARTS["night"][1:]}
    with pytest.raises(SettlementError, match="pools and videos do not sum to what is earned for 2026-11-29"):
        month_statement(BALANCE, LINES, short, FACTS)


@given(NAMES)
def test_ids_are_text_on_each_page(name: str) -> None:
    plain = Structure(statement_page([whole()]))
    parts = {entry: [replace(part, category=name, video_id=name) for part in own] for entry, own in PARTS.items()}
    found = month_statement(
        BALANCE | {"payee_id": name},
        LINES,
        parts,
        FACTS,
        PAYMENTS,
        Beside(
            [replace(LEFT_OUT[0], video_id=name), LEFT_OUT[1]],
            [APPEALS[0] | {"subject_id": name, "decision": name}, APPEALS[1]],
        ),
    )
    page = Structure(statement_page([found]))

    assert {tag for tag, _ in page.elements} == {tag for tag, _ in plain.elements}
    assert not page.comments
    assert one_line(name) in page.text
    listed = index_page("2026-11", [BALANCE | {"payee_id": name}], {name: f"payees/{page_name(name)}"}, "all.csv")
    assert len(Structure(listed).elements) == len(Structure(index_of("plain")).elements)


def index_of(name: str) -> str:
    return index_page("2026-11", [BALANCE | {"payee_id": name}], {name: f"payees/{page_name(name)}"}, "all.csv")


def test_the_list_of_payees_adds_up() -> None:
    page = index_of("band")

    cells = [part.split("<")[0] for part in page.split('<td class="n">')[1:]]
    amounts = [*map(micros_of, cells)]
    assert amounts[:6] == amounts[6:]
    opening, earned, adjusted, held, paid, closing = amounts[6:]
    assert "1 payee" in page
    assert opening + earned + adjusted - held - paid == closing


@given(st.lists(NAMES, unique=True, max_size=20))
def test_names_of_files_are_plain_and_differ_also_without_case(names: list[str]) -> None:
    stems = [file_stem(name).lower() for name in [*names, *ALLOWED, "Band", "band", "BAND"] if name]

    assert len(set(stems)) == len({*names, *ALLOWED, "Band", "band", "BAND"})
    assert all(stem.isascii() and stem.replace("-", "").isalnum() and len(stem) <= 61 for stem in stems)


@pytest.mark.parametrize("device", WIDTHS)
def test_browser_opens_the_pages_without_requests_errors_or_overflow(
    browser: Browser, tmp_path: Path, device: str
) -> None:
    parts = {entry: [replace(part, video_id="v" * 300) for part in own] for entry, own in PARTS.items()}
    facts = replace(FACTS, on_payees={"p" * 300: ["h" * 300]})
    found = month_statement(BALANCE | {"payee_id": "p" * 300}, LINES, parts, facts, PAYMENTS, BESIDE)
    (tmp_path / "payee.html").write_text(statement_page([whole(), found]), "utf-8")
    (tmp_path / "index.html").write_text(index_of("p" * 300), "utf-8")
    for name in ("payee", "index"):
        page = browser.open(tmp_path / f"{name}.html", *WIDTHS[device], phone=device == "phone")

        page.value("document.querySelectorAll('details').forEach(part => { part.open = true; })")
        assert page.requests == [(tmp_path / f"{name}.html").resolve().as_uri()]
        assert page.messages == []
        assert page.value("document.documentElement.scrollWidth") <= WIDTHS[device][0]
        cut = "[...document.querySelectorAll('.n')].filter(cell => cell.scrollWidth > cell.clientWidth + 1).length"
        assert page.value(cut) == 0
