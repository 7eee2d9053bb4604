"""Deliveries of the golden root: seven small days from seeds, with every kind of row that a night may get."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from creatorpool.synthetic import SyntheticMarket
from creatorpool.synthetic.cohorts import CohortMarket, CohortSegment, write_cohort_days
from creatorpool.synthetic.day import generate_day
from creatorpool.synthetic.delivery import DeliveryMarket, draw_delivery, exposure_rows, guarantee_rows, position_rows

DAYS = [date(2026, 11, 13) + timedelta(days=number) for number in range(7)]

_MARKET = SyntheticMarket(
    seed=29,
    n_events=1_000,
    n_viewers=150,
    n_videos=80,
    n_creators=20,
    # One pool with millions of micros per video, two usual pools, and one with fewer micros than a fair split needs.
    revenue_micros_per_event={"comedy": 2_100, "education": 900, "music": 400_000, "news": 30},
)
_ENTRANTS = CohortMarket(
    (
        CohortSegment("comedy", 120, quality=(2.0, 2.5), window_n=10, threshold_k=5),
        CohortSegment("music", 90, quality=(2.0, 2.0), window_n=8, threshold_k=4, views_after_pass=4.0),
        CohortSegment("tiny", 8, window_n=8, threshold_k=4),
    ),
    DAYS[0],
    entry_days=2,
    days=len(DAYS),
    slot_hours=0.5,
)
_EXPOSURE = DeliveryMarket(10, DAYS[0], len(DAYS), guarantee_share=0.3)
_REFUNDS = {2: {"comedy": -800_000, "music": -50_000_000}, 3: {"comedy": -100_000}}
"""By number of the day: the first refunds exceed their day's revenue, and the rest is carried."""
_UNVERIFIED_FROM = 4
"""Number of the day from which every tenth viewer is unverified."""
_CSV_DAY, _JSON_DAY = 1, 3
_DELIVERY_DAYS = {"creators": (0, 3, 5), "entrants": (1,), "drawer_positions": (0, 6), "delivery_guarantees": (1, 6)}
"""Tables that are not delivered every day, with the numbers of their days."""

_Tables = dict[str, pa.Table]
_TIMES = pa.timestamp("us", "UTC")


def write_deliveries(folder: Path) -> None:
    """Write each day to `folder`/<day>, ready for ingestion."""
    with TemporaryDirectory() as scratch:
        entrants = Path(scratch) / "entrants"
        write_cohort_days(entrants, _ENTRANTS)
        before: _Tables = {}
        for number, day in enumerate(DAYS):
            tables = _market_tables(Path(scratch) / f"market-{number}", number)
            clean = tables["events"].slice(0, 40)
            tables |= _with_entrants(tables, entrants / day.isoformat())
            tables |= _exposure_tables(day)
            tables["events"] = pa.concat_tables([tables["events"], *_late_events(clean, before.get("clean"))])
            before = {"clean": clean}
            delivered = {name: rows for name, rows in tables.items() if number in _DELIVERY_DAYS.get(name, (number,))}
            _writer(number)(delivered, folder / day.isoformat())


def _market_tables(scratch: Path, number: int) -> _Tables:
    """The day's ordinary deliveries, in Parquet, with broken rows of every kind."""
    is_text = number in (_CSV_DAY, _JSON_DAY)
    generate_day(scratch, DAYS[number], replace(_MARKET, dirty_share=0.0) if is_text else _MARKET)
    tables = {path.stem: pq.read_table(path) for path in scratch.iterdir()}
    if number >= _UNVERIFIED_FROM:
        tables["viewers"] = _with_unverified(tables["viewers"])
    refunds = [
        {"date": DAYS[number], "category": category, "placement": "refund", "revenue_micros": micros, "currency": "USD"}
        for category, micros in _REFUNDS.get(number, {}).items()
    ]
    revenue = tables["ad_revenue"]
    tables["ad_revenue"] = pa.concat_tables([revenue, pa.Table.from_pylist(refunds, schema=revenue.schema)])
    tables["creators"] = _creators(tables["videos"])
    return tables


def _with_unverified(viewers: pa.Table) -> pa.Table:
    since = datetime.combine(DAYS[_UNVERIFIED_FROM], datetime.min.time(), UTC)
    rows = viewers.to_pylist()
    for row in rows[::10]:
        row |= {"trust_tier": "unverified", "valid_from": since}
    return pa.Table.from_pylist(rows, schema=viewers.schema)


def _creators(videos: pa.Table) -> pa.Table:
    """Verification levels: every third creator is verified, the last two have no row."""
    names = sorted(set(videos.column("creator_id").to_pylist()) - {None})[:-2]
    levels = ["verified" if place % 3 == 0 else "unverified" for place in range(len(names))]
    since = pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * len(names), _TIMES)
    return pa.table({"creator_id": names, "verification_level": levels, "valid_from": since})


def _with_entrants(tables: _Tables, folder: Path) -> _Tables:
    """The tables with the rows of the entrants' day added, and the table of entrants."""
    found = {name: tables[name] for name in ("events", "videos", "viewers")}
    for name, rows in found.items():
        more = pq.read_table(folder / f"{name}.parquet")
        found[name] = pa.concat_tables([rows, more.select(rows.column_names).cast(rows.schema)])
    return found | {"entrants": pq.read_table(folder / "entrants.parquet")}


def _exposure_tables(day: date) -> _Tables:
    truth = draw_delivery(_EXPOSURE)
    exposure = exposure_rows(truth)
    return {
        "content_exposure": exposure.filter(pc.equal(exposure["date"], pa.scalar(day, pa.date32()))),
        "drawer_positions": position_rows(truth),
        "delivery_guarantees": guarantee_rows(truth, day),
    }


def _late_events(clean: pa.Table, before: pa.Table | None) -> Iterator[pa.Table]:
    """Late events of the two days before, and some events that the day before has delivered already."""
    if before is None:
        return
    yield before.slice(0, 10)
    for days, rows in ((1, clean.slice(0, 25)), (2, clean.slice(25))):
        names = pc.binary_join_element_wise(rows["event_id"], f"{days}-late", "-")
        times = pc.subtract(rows["event_ts"], pa.scalar(timedelta(days=days), pa.duration("us")))
        yield rows.set_column(0, "event_id", names).set_column(rows.column_names.index("event_ts"), "event_ts", times)


def _writer(number: int) -> Callable[[_Tables, Path], None]:
    return {_CSV_DAY: _write_csv, _JSON_DAY: _write_json}.get(number, _write_parquet)


def _write_parquet(tables: _Tables, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        pq.write_table(rows, folder / f"{name}.parquet")


def _write_json(tables: _Tables, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        lines = (json.dumps(row, default=lambda moment: moment.isoformat()) + "\n" for row in rows.to_pylist())
        (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")


def _write_csv(tables: _Tables, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name, rows in tables.items():
        flat = [pc.binary_join(column, "|") if pa.types.is_list(column.type) else column for column in rows.columns]
        pacsv.write_csv(pa.table(flat, rows.column_names), folder / f"{name}.csv")
