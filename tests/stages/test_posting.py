"""The journal: every entry sums to 0 and is posted once, divided by rights, with what holds keep back."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from typing import Any

import pytest
from tests.stages.settled_days import DAY, NEXT, Books

from creatorpool.errors import InputError
from creatorpool.runs.ledger import POST, published_run, unfinished_runs
from creatorpool.settlement.rights import WHOLE_PPM, divided
from creatorpool.stages import runner
from creatorpool.stages.allocation import publish_payouts
from creatorpool.stages.closing import close_month
from creatorpool.stages.posting import post_day
from creatorpool.stages.recovery import recover
from creatorpool.verification.month import verify_month


def hold(name: str, kind: str, subject: str, share: int, until: date | None = None) -> dict[str, Any]:
    place = {"hold_id": name, "subject_kind": kind, "subject_id": subject, "share_ppm": share}
    return place | {"from_date": DAY, "until_date": until or "", "reason_code": "dispute", "note": ""}


def require_balanced(books: Books) -> None:
    sums: Counter[str] = Counter()
    for row in books.rows("journal"):
        assert row["currency"] == "USD"
        sums[row["entry_id"]] += row["amount_micros"]
    assert sums
    assert set(sums.values()) == {0}


def test_a_night_is_posted_once_and_then_its_payouts_stay(books: Books) -> None:
    run = post_day(books.at(DAY))

    assert run is not None
    require_balanced(books)
    creators = {("Payable", row["creator_id"]): row["total_micros"] for row in books.rows("creator_payouts", DAY)}
    assert books.balances("Payable", "Held") == {key: micros for key, micros in creators.items() if micros}
    revenue = sum(row["revenue_micros"] for row in books.tables.read_arrow("ad_revenue", day=DAY).to_pylist())
    assert sum(row["amount_micros"] for row in books.rows("journal") if row["account"] == "Advertisers") == -revenue
    rows = books.rows("journal")
    again = post_day(books.at(DAY))
    assert again is not None
    assert again.run_id == run.run_id
    assert books.rows("journal") == rows
    with pytest.raises(InputError, match=f"{DAY} is posted to the journal, .*creatorpool restate --date {DAY}"):
        publish_payouts(books.at(DAY), republish=True)


def test_rights_divide_and_holds_keep_back_and_an_ended_hold_releases_all(books: Books) -> None:
    videos = sorted(books.rows("video_payouts", DAY), key=lambda row: (-row["total_micros"], row["video_id"]))
    first, second, third = videos[:3]
    shares = {first["video_id"]: {"label": 333_333, "band": 333_333}, second["video_id"]: {"label": WHOLE_PPM}}
    rights = [
        {"video_id": video, "payee_id": payee, "valid_from": "2026-11-01", "share_ppm": share}
        for video, named in shares.items()
        for payee, share in named.items()
    ]
    later = {"video_id": third["video_id"], "payee_id": "label", "valid_from": NEXT, "share_ppm": WHOLE_PPM}
    books.load("video_rights", *rights, later)
    holds = {"h-label": ("payee", "label", 250_000), "h-video": ("video", first["video_id"], 500_001)}
    books.load("holds", *(hold(name, *facts) for name, facts in holds.items()))

    post_day(books.at(DAY))

    require_balanced(books)
    expected: Counter[tuple[str, str]] = Counter()
    for row in books.rows("video_payouts", DAY):
        named = dict(shares.get(row["video_id"], {}))
        rest = WHOLE_PPM - sum(named.values())
        whole: dict[str, int] = named | ({row["creator_id"]: rest} if rest else {})
        for payee, micros in divided(row["total_micros"], whole).items():
            share = 500_001 if row["video_id"] == first["video_id"] else 250_000 if payee == "label" else 0
            held = micros * share // WHOLE_PPM
            expected["Held", payee] += held
            expected["Payable", payee] += micros - held
    assert books.balances("Payable", "Held") == {key: micros for key, micros in expected.items() if micros}
    by_hold = {row["reference"] for row in books.rows("journal") if row["account"] == "Held"}
    assert by_hold == set(holds)

    books.load("holds", hold("h-video", "video", first["video_id"], 500_001, DAY))
    kept = {row["payee_id"]: row["amount_micros"] for row in books.rows("journal") if row["reference"] == "h-video"}
    post_day(books.at(NEXT))
    post_day(books.at(NEXT))

    require_balanced(books)
    released = [row for row in books.rows("journal", NEXT) if row["kind"] == "release"]
    assert {row["payee_id"]: row["amount_micros"] for row in released if row["account"] == "Payable"} == kept


@pytest.mark.once
def test_adjustments_are_posted_by_payee_and_what_is_taken_back_leaves_nothing(books: Books) -> None:
    first = max(books.rows("video_payouts", DAY), key=lambda row: (row["total_micros"], row["video_id"]))
    books.load(
        "video_rights",
        {"video_id": first["video_id"], "payee_id": "label", "valid_from": "2026-11-01", "share_ppm": 333_333},
    )
    viewer = books.busiest_viewer()
    post_day(books.at(DAY))
    earned = books.balances("Payable")
    books.invalid(viewer)
    books.restate(DAY, "hold_harmless")
    post_day(books.at(DAY))
    require_balanced(books)
    given = sum(books.balances("Payable").values()) - sum(earned.values())
    assert given == sum(books.adjusted().values()) > 0
    goodwill = [row["amount_micros"] for row in books.rows("journal") if row["account"] == "Platform:Goodwill"]
    assert -sum(goodwill) == given

    books.restate()
    post_day(books.at(DAY))
    assert sum(books.balances("Payable").values()) == sum(books.settled().values())
    books.invalid(viewer, "2026-11-01")
    books.restate()
    post_day(books.at(DAY))

    require_balanced(books)
    assert books.balances("Payable") == earned
    assert len({row["entry_id"] for row in books.rows("journal")}) == 4


@pytest.mark.once
def test_a_killed_posting_ends_as_an_undisturbed_one(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runner, "publish_run", killed)
        with pytest.raises(KeyboardInterrupt):
            post_day(books.at(DAY))
    assert [run.stage for run in unfinished_runs(books.tables)] == ["post"]
    recover(books.tables, books.at(DAY).log)
    assert books.tables.read_arrow("journal").num_rows == 0

    post_day(books.at(DAY))

    require_balanced(books)
    assert len({row["entry_id"] for row in books.rows("journal")}) == 1


@pytest.mark.once
def test_a_hold_that_is_known_late_keeps_its_share_of_what_is_posted(books: Books) -> None:
    creator = max(books.rows("creator_payouts", DAY), key=lambda row: row["total_micros"])["creator_id"]
    books.load("holds", hold("known", "creator", creator, 100_000))
    post_day(books.at(DAY))
    books.load("holds", hold("late", "creator", creator, 300_000), hold("less", "creator", creator, 50_000))

    for _ in range(2):
        post_day(books.at(NEXT))

    require_balanced(books)
    expected = {"known": 0, "late": 0}
    for row in books.rows("video_payouts", DAY):
        if row["creator_id"] == creator:
            known, every = (row["total_micros"] * share // WHOLE_PPM for share in (100_000, 300_000))
            expected["known"] += known
            expected["late"] += every - known
    for row in books.rows("video_payouts", NEXT):
        if row["creator_id"] == creator:
            expected["late"] += row["total_micros"] * 300_000 // WHOLE_PPM
    found = dict.fromkeys(expected, 0)
    for row in books.rows("journal"):
        if row["account"] == "Held":
            found[row["reference"]] += row["amount_micros"]
    assert found == expected
    kinds = {row["kind"] for row in books.rows("journal", NEXT)}
    assert kinds == {"night", "hold"}


def held_share(books: Books, day: date, creator: str, share: int) -> int:
    """What a hold of `share` parts per million keeps of a creator's videos of a day."""
    totals = (row["total_micros"] for row in books.rows("video_payouts", day) if row["creator_id"] == creator)
    return sum(total * share // WHOLE_PPM for total in totals)


@pytest.mark.once
def test_a_hold_keeps_its_share_of_what_the_same_day_has_posted_before(books: Books) -> None:
    creator = max(books.rows("creator_payouts", DAY), key=lambda row: row["total_micros"])["creator_id"]
    post_day(books.at(DAY))
    books.load("holds", hold("late", "creator", creator, 300_000))
    books.halve_revenue()
    books.restate()

    for _ in range(2):
        post_day(books.at(DAY))

    require_balanced(books)
    night = held_share(books, DAY, creator, 300_000)
    changes: Counter[str] = Counter()
    for row in books.rows("payout_adjustments", DAY):
        if row["creator_id"] == creator:
            changes[row["video_id"]] += row["change_micros"]
    adjusted = sum(-(-micros * 300_000 // WHOLE_PPM) if micros < 0 else 0 for micros in changes.values())
    assert all(micros <= 0 for micros in changes.values())
    assert adjusted < 0 < night
    assert books.balances("Held") == {("Held", creator): night + adjusted}


@pytest.mark.once
def test_a_hold_keeps_its_share_of_later_days_that_were_posted_first(books: Books) -> None:
    creator = max(books.rows("creator_payouts", NEXT), key=lambda row: row["total_micros"])["creator_id"]
    post_day(books.at(NEXT))
    books.load("holds", hold("late", "creator", creator, 300_000))

    post_day(books.at(DAY))
    first = held_share(books, DAY, creator, 300_000)
    assert books.balances("Held") == ({("Held", creator): first} if first else {})
    post_day(books.at(NEXT))

    require_balanced(books)
    assert books.balances("Held") == {("Held", creator): first + held_share(books, NEXT, creator, 300_000)}


@pytest.mark.once
def test_a_hold_keeps_its_share_of_an_open_month_although_the_next_one_is_posted_first(books: Books) -> None:
    december = NEXT + timedelta(days=1)
    creator = max(books.rows("creator_payouts", DAY), key=lambda row: row["total_micros"])["creator_id"]
    for day in (DAY, NEXT):
        post_day(books.at(day))
    books.load("holds", hold("late", "creator", creator, WHOLE_PPM))
    post_day(books.at(december))

    close_month(books.at(NEXT, "settlement.minimum_payment_micros=1"))

    (balance,) = (row for row in books.rows("payee_balances") if row["payee_id"] == creator)
    assert balance["held_balance_micros"] == balance["earned_micros"] > 0
    assert creator not in {row["payee_id"] for row in books.rows("payments")}
    assert not [check for check in verify_month(books.at(NEXT, dry_run=True)) if not check.passed]
    assert post_day(books.at(december)) == published_run(books.tables, POST, december)


@pytest.mark.once
def test_rights_that_come_after_a_posting_bear_none_of_its_losses(books: Books) -> None:
    video = max(books.rows("video_payouts", DAY), key=lambda row: row["total_micros"])["video_id"]
    post_day(books.at(DAY))
    label = {"video_id": video, "payee_id": "label", "valid_from": DAY, "share_ppm": WHOLE_PPM}
    books.load("video_rights", label)
    books.halve_revenue()
    books.restate()

    post_day(books.at(DAY))
    post_day(books.at(NEXT))

    of_days = {row["service_date"] for row in books.rows("journal") if row["payee_id"] == "label"}
    has_earned = any(row["video_id"] == video and row["total_micros"] for row in books.rows("video_payouts", NEXT))
    assert of_days == ({NEXT} if has_earned else set())
    assert {row["payee_id"] for row in books.rows("journal") if row["kind"] == "adjustment"} - {None}
    assert not [check for check in verify_month(books.at(NEXT, dry_run=True)) if not check.passed]
