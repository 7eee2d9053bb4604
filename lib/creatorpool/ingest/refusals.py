"""Decides which deliveries stop the run, and which only get a warning."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract, RowRule
from creatorpool.errors import ContractViolationError, InputError
from creatorpool.ingest.log_files import LogFile
from creatorpool.ingest.report import by_rule
from creatorpool.ingest.shifted_day import ShiftedDay
from creatorpool.ingest.validation import ValidatedTable
from creatorpool.money import in_exact_units
from creatorpool.quoting import quoted
from creatorpool.settings import IngestSettings
from creatorpool.settlement.currency import NO_CURRENCY, has_minor_units, settle_in_another

_WITHOUT_VIDEO = {
    "non_pulse": "but no video that can earn them",
    "refund": "of refunds but no video: they are carried until the category has revenue",
}


def refuse_revenue(revenue: ValidatedTable, day: date, currency: str | None) -> str:
    """Check that revenue has at least one row, only good rows, no repeated row, and a currency that can be paid in.

    `currency` is the settlement currency, into which rows in other currencies are converted; None: all rows must be in
    one.

    Returns
    -------
    str
        The currency in which the day is settled. In `NO_CURRENCY` payouts are computed, and never paid.

    Raises
    ------
    ContractViolationError
        If not; the message has the rule, the number of rows and an example.
    InputError
        If no payment can be made in the currency in which the day would be settled.
    """
    counts = revenue.counts
    name = revenue.contract.name
    if counts.quarantined:
        raise ContractViolationError(
            f"{name}: {counts.quarantined} of {counts.read} rows break rules ({by_rule(counts.broken)}); "
            f"for example {revenue.example()}{purposes((*revenue.contract.row_rules, *revenue.rules), counts.broken)}"
        )
    if counts.duplicates:
        raise ContractViolationError(
            f"{name}: key_unique: {counts.duplicates} of {counts.read} rows repeat another row, and creatorpool cannot "
            f"know whether the revenue was booked twice or delivered twice: deliver each row once"
        )
    if not counts.accepted:
        raise ContractViolationError(
            f"{name}: not_empty: no revenue of {day} among {counts.read:,} rows. {_hint(revenue.contract, 'not_empty')}"
        )
    if currency is None:
        currency = _only_currency(revenue, day)
    if currency != NO_CURRENCY and not has_minor_units(currency):
        raise InputError(
            f"{name}: payable_currency: revenue of {day} would be settled in {currency}, which has no minor units in "
            f"ISO 4217, so that no payment could be made and no month be closed; nothing is ingested: "
            f"{settle_in_another(day, currency)}"
        )
    return currency


def no_currency_warning(day: date, currency: str) -> tuple[str, ...]:
    """A warning if a day is settled in no currency."""
    if currency != NO_CURRENCY:
        return ()
    return (
        f"ad_revenue: revenue of {day} is in {NO_CURRENCY}, no currency: payouts are computed, but never paid, and the "
        f"month cannot be closed",
    )


def _only_currency(revenue: ValidatedTable, day: date) -> str:
    name = revenue.contract.name
    currencies = sorted(row["currency"] for row in revenue.good.select("currency").distinct().collect())
    if len(currencies) > 1:
        raise ContractViolationError(
            f"{name}: one_currency: rows of {day} are in {len(currencies)} currencies, {' and '.join(currencies)}. "
            f"{_hint(revenue.contract, 'one_currency')}"
        )
    return str(currencies[0])


def refuse_broken_feed(table: ValidatedTable, settings: IngestSettings, hint: str = "") -> None:
    """Raise InputError if more than `ingest.max_quarantined_share` of a table's delivered rows is refused.

    Records of no day are a share of the records of all days. `hint` is a likely cause, for the end of the message.
    """
    counts = table.counts
    dated = (counts.quarantined - counts.dateless, counts.rows - counts.dateless, "rows")
    for refused, of, what in (dated, (counts.dateless, counts.read, "records of all days")):
        share = refused / max(1, of)
        if share > settings.max_quarantined_share:
            raise InputError(
                f"{table.contract.name}: {refused:,} of {of:,} {what} ({share:.1%}) would be "
                f"quarantined, more than ingest.max_quarantined_share {settings.max_quarantined_share}, so nothing is "
                f"ingested: {by_rule(counts.broken)}; for example {table.example()}{hint and f'; {hint}'}"
            )


def refuse_broken_files(files: Iterable[LogFile], settings: IngestSettings) -> None:
    """Raise InputError if a file of a log with several days has too many records without a readable time.

    Such records belong to no day. A file that has records of the run's day would miss some of that day.
    """
    for file in files:
        share = file.dateless / max(1, file.number)
        if file.is_of_day and share > settings.max_quarantined_share:
            raise InputError(
                f"events: {file.dateless:,} of {file.number:,} records of {file.name or 'the log'} ({share:.1%}) have "
                f"no readable time, more than ingest.max_quarantined_share {settings.max_quarantined_share}, and the "
                f"day may miss them, so nothing is ingested: correct the file"
            )


def refuse_broken_day(
    events: ValidatedTable, day: date, settings: IngestSettings, shifted: ShiftedDay | None, *, is_stored: bool
) -> None:
    """Raise InputError if the day has no acceptable event, too many events are refused, or it is a `shifted` day.

    A shifted day is refused if it loses more than `ingest.max_quarantined_share` of the events to other days. With
    `is_stored`, the table has events of the day already, from an interrupted run.
    """
    refuse_broken_feed(events, settings, "" if shifted is None else shifted.hint())
    counts = events.counts
    if counts.accepted == counts.late and not is_stored:
        raise InputError(
            f"events: no acceptable event of {day} among {counts.read:,} rows ({counts.late:,} late, "
            f"{counts.other_day:,} of other days, {counts.quarantined:,} quarantined"
            f"{': ' if counts.broken else ''}{by_rule(counts.broken)})"
        )
    if shifted is not None and shifted.share > settings.max_quarantined_share:
        raise InputError(
            f"events: {counts.late + counts.other_day:,} of {counts.read:,} events are of other days than {day}, so "
            f"nothing is ingested: "
            f"{shifted.hint()}"
        )


def revenue_warnings(revenue: DataFrame, videos: DataFrame) -> tuple[str, ...]:
    """Warnings for revenue of categories without a video, and for Pulse revenue of unknown videos."""
    categories = videos.select(F.explode("categories").alias("category")).distinct()
    pooled = revenue.where(F.col("placement") != "pulse").join(categories, "category", "left_anti")
    pulse = revenue.where(F.col("placement") == "pulse").join(videos.select("video_id"), "video_id", "left_anti")
    named = ("placement", "category", "video_id", "revenue_micros", "currency")
    found = pooled.select(*named).unionByName(pulse.select(*named)).collect()
    warnings = [
        f"ad_revenue: category '{quoted(row['category'])}' has "
        f"{in_exact_units(row['revenue_micros'], row['currency'])} {_WITHOUT_VIDEO[row['placement']]}"
        for row in sorted(found, key=lambda row: (str(row["category"]), row["placement"]))
        if row["placement"] in _WITHOUT_VIDEO
    ]
    unknown = sorted({row["video_id"] for row in found if row["placement"] == "pulse"})
    if unknown:
        warnings.append(
            f"ad_revenue: Pulse revenue of {len(unknown)} videos that are not in videos, such as '{quoted(unknown[0])}'"
        )
    return tuple(warnings)


def stale_row_warning(table: ValidatedTable, stored: DataFrame) -> str | None:
    """A warning if delivered rows of known keys are refused, so that their earlier rows stay valid; else None."""
    key = list(table.contract.key)
    stale = table.refused.select(*key).join(stored.select(*key), key, "left_semi").distinct()
    number, example = stale.agg(F.count("*"), F.min(F.concat_ws(", ", *key))).collect()[0]
    if not number:
        return None
    return (
        f"{table.contract.name}: {number} rows of known keys are refused, such as '{quoted(example)}': the rows that "
        f"an earlier day delivered for them stay valid"
    )


def purposes(rules: Iterable[RowRule], broken: Collection[str]) -> str:
    """The hints of those of `rules` that are `broken`, in brackets, for the end of a message."""
    hints = [rule.hint for rule in rules if rule.name in broken and rule.hint]
    return f" ({' '.join(hints)})" if hints else ""


def _hint(contract: Contract, name: str) -> str:
    """What the contract says of rule `name`."""
    return next(rule.hint for rule in contract.rules if rule.name == name)
