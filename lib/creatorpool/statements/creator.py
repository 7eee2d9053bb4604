"""One creator's statement of a day, from the creator's rows: plain text, and the numbers in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from creatorpool.errors import InputError
from creatorpool.quoting import one_line
from creatorpool.statements.text import WIDTH, Statement, change_lines, exact_money, owned_change, summed_reasons
from creatorpool.wording import number_of

VIDEOS_NAMED = 20
"""Largest number of videos that a statement lists; the videos that earned most come first"""

BOUNDS = {"floor": "held by the floor", "cap": "held by the cap", "creator_cap": "held by the cap of its creator"}

Row = Mapping[str, Any]


@dataclass(frozen=True)
class DayFacts:
    """Facts that all statements of a day share."""

    day: date
    against: date | None
    """The earlier day to compare with; None if no earlier day is published"""
    currency: str
    exponents: Mapping[str, float]
    """Exponent of each signal in the quality score"""
    pool_paid: Mapping[str, int]
    """Micros paid from each pool"""
    notes: tuple[str, ...] = ()


def statement_row(
    creator: str, shares: Sequence[Row], videos: Sequence[Row], changes: Sequence[Row], facts: DayFacts
) -> dict[str, Any]:
    """One row of table `creator_statements`: the columns of its contract except `date`.

    Parameters
    ----------
    shares : sequence of mappings
        The creator's rows of `pool_payouts` of the day, with `views` and every signal of `facts.exponents`.
    videos : sequence of mappings
        The creator's rows of `video_payouts`.
    changes : sequence of mappings
        Rows of `payout_changes` in which the creator owns the video on either day.

    Raises
    ------
    InputError
        If `shares` and `videos` do not sum to the same pool money.
    """
    pools, pulse = sum(row["payout_micros"] for row in videos), sum(row["pulse_micros"] for row in videos)
    by_share = sum(row["payout_micros"] for row in shares)
    if pools != by_share:
        raise InputError(
            f"creator {creator}: payouts sum to {by_share} micros in pool_payouts and to {pools} in video_payouts: run "
            f"creatorpool verify on the day"
        )
    own = [owned_change(row, creator) for row in changes]
    paid = sum(row["pulse_micros"] + row["payout_micros"] > 0 for row in videos)
    sections = [_earned(pools, pulse, paid), _by_video(shares, videos, facts), _signals(shares, facts)]
    sections.append(_changes(own, facts))
    title = f"Creator {one_line(creator)}: statement of {facts.day}, in {facts.currency}"
    reason, reason_micros = _largest(own)
    before = sum(row["against_payout_micros"] for row in own)
    is_compared = facts.against is not None
    return {
        "creator_id": creator,
        "currency": facts.currency,
        "payout_micros": pools,
        "pulse_micros": pulse,
        "total_micros": pools + pulse,
        "videos_paid": paid,
        "against_date": facts.against,
        "against_payout_micros": before if is_compared else None,
        "change_micros": pools - before if is_compared else None,
        "largest_reason": reason,
        "largest_reason_micros": reason_micros,
        "statement": "\n\n".join([title, *("\n".join(lines) for lines in sections if lines)]).rstrip() + "\n",
    }


def _earned(pools: int, pulse: int, paid: int) -> list[str]:
    videos = number_of(paid, "video")
    return [
        "Earned",
        _money(pools, "from pools"),
        _money(pulse, "beside Pulse ads"),
        _money(pools + pulse, f"in all, from {videos}"),
    ]


def _money(micros: int, label: str) -> str:
    return f"{exact_money(micros):>{WIDTH}}  {label}"


def _by_video(shares: Sequence[Row], videos: Sequence[Row], facts: DayFacts) -> list[str]:
    """The earning videos, largest earnings first, each with its pools and its quality."""
    earning = sorted((row for row in videos if _total(row)), key=lambda row: (-_total(row), row["video_id"]))
    if not earning:
        return []
    by_video: dict[str, list[Row]] = {}
    for row in shares:
        by_video.setdefault(row["video_id"], []).append(row)
    lines = ["By video and pool"]
    for row in earning[:VIDEOS_NAMED]:
        lines.append(f"  {one_line(row['video_id'])}: {exact_money(_total(row))}")
        own = sorted(by_video.get(row["video_id"], ()), key=lambda share: share["category"])
        lines += [_share(share, facts) for share in own]
        lines += [_money(row["pulse_micros"], "beside Pulse ads")] if row["pulse_micros"] else []
        lines += [_quality(own[0], facts)] if own else []
    rest = earning[VIDEOS_NAMED:]
    if rest:
        lines.append(f"  {number_of(len(rest), 'more video')}: {exact_money(sum(map(_total, rest)))}")
    return lines


def _total(row: Row) -> int:
    return int(row["payout_micros"] + row["pulse_micros"])


def _share(share: Row, facts: DayFacts) -> str:
    paid = facts.pool_paid[share["category"]]
    part = f", {share['payout_micros'] / paid:.3%} of what it paid" if paid else ""
    held = BOUNDS.get(share["bound"])
    return _money(share["payout_micros"], f"pool {one_line(share['category'])}{part}{f', {held}' if held else ''}")


def _quality(share: Row, facts: DayFacts) -> str:
    """Views times quality, and the signal with the smallest factor."""
    factors = _factors(share, facts)
    quality = 1.0
    for factor in factors.values():
        quality *= factor
    weakest = min(factors, key=lambda name: factors[name])
    impressions = f"{share['views']:,} views × quality {min(1.0, quality):.3f} = {share['effective_impressions']:,.1f}"
    return f"    {impressions} effective impressions; held back most by {_label(weakest)} {share[weakest]:.3f}"


def _factors(share: Row, facts: DayFacts) -> dict[str, float]:
    """The factor of each signal in the quality: its value to the power of its weight."""
    return {name: share[name] ** exponent for name, exponent in facts.exponents.items()}


def _label(name: str) -> str:
    return name.replace("_", " ")


def _signals(shares: Sequence[Row], facts: DayFacts) -> list[str]:
    """Each signal over the creator's videos: its mean, its mean factor, and the number of videos with 0."""
    videos = list({row["video_id"]: row for row in shares}.values())
    if not videos:
        return []
    of_videos = number_of(len(videos), "video")
    lines = [f"How each signal counted, over {of_videos} in pools (quality is the product of the factors)"]
    lines.append(f"  {'signal':<24}{'weight':>8}{'mean':>8}{'factor':>8}{'at 0':>8}")
    for name, exponent in facts.exponents.items():
        values = [row[name] for row in videos]
        mean, zeros = sum(values) / len(values), sum(value == 0 for value in values)
        factor = sum(value**exponent for value in values) / len(values)
        lines.append(f"  {_label(name):<24}{exponent:>8.3f}{mean:>8.3f}{factor:>8.3f}{zeros:>8,}")
    unrated = sum(row["effective_impressions"] == 0 for row in videos)
    if unrated:
        lines.append(f"  {unrated:,} of them without effective impressions: no view, or a signal at 0")
    return lines


def _changes(own: Sequence[Row], facts: DayFacts) -> list[str]:
    if facts.against is None:
        return ["What changed: no earlier day is published"]
    title = f"What changed against {facts.against}, and why"
    if not own:
        return [f"{title}: neither day had a video of yours in a pool"]
    told = Statement("", facts.day, facts.against, facts.currency, own, facts.notes)
    return [title, *(f"  {line}".rstrip() for line in change_lines(told))]


def _largest(own: Sequence[Row]) -> tuple[str | None, int | None]:
    sums = summed_reasons(own)
    name = max(sums, key=lambda reason: abs(sums[reason]))
    return (name, sums[name]) if sums[name] else (None, None)
