"""A what-if study on the terminal: one configuration in detail, or several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rich.table import Table

from creatorpool.allocation.idle_efficiency import other_warnings
from creatorpool.money import in_units, in_whole_cents
from creatorpool.quoting import quoted
from creatorpool.report.console import PlainConsole
from creatorpool.report.nightly.blocks import signed_cents, signed_money
from creatorpool.report.nightly.figures import SIZE_GROUPS, Mover
from creatorpool.report.whatif_figures import Gains, gains, movers, size_changes
from creatorpool.runs.pools import PoolRun
from creatorpool.stages.whatif import PULSE, PublishedPayouts, Study, WhatIf

TOP_MOVERS = 10
MOVERS_EACH = 3
LEFT = ("category", "setting", "creators by views", "creator")


def print_study(out: PlainConsole, day: date, study: Study, state: str = "computed, nothing written") -> None:
    """Print what was published, what the day would pay otherwise, and the difference, by pool, size and creator."""
    out.print()
    out.print(f"What if, payouts of {day}, {state}, in {study.published.currency}", style="bold")
    for outcome in study.outcomes:
        out.print(_settings_line(outcome), soft_wrap=True)
    out.print()
    tables = _one(study.published, study.outcomes[0]) if len(study.outcomes) == 1 else _several(study)
    for table in tables:
        out.print(table)
    out.print(
        "gain, lose: number of creators. Sizes and movers count the money of pools and of Pulse ads.", style="dim"
    )
    for outcome in study.outcomes:
        _print_creators(out, outcome)


def _settings_line(outcome: WhatIf) -> str:
    if outcome.changes is None:
        return f"{outcome.name}: the ledger keeps no configuration of the day, so what differs is not known."
    differing = "; ".join(map(str, outcome.changes))
    return f"{outcome.name}: {differing or 'the settings are those of the published day'}."


def _one(published: PublishedPayouts, outcome: WhatIf) -> list[Table]:
    return [_pools(published, outcome), _sizes(published, outcome), _movers([outcome], TOP_MOVERS)]


def _several(study: Study) -> list[Table]:
    by_pool = _pools_by_setting(study)
    return [by_pool, _sizes_by_setting(study), _movers(study.outcomes, MOVERS_EACH)]


def _table(title: str, *names: str) -> Table:
    table = Table(title=title, title_justify="left")
    for name in names:
        table.add_column(name, justify="left" if name in LEFT else "right", overflow="fold")
    return table


def _pools(published: PublishedPayouts, outcome: WhatIf) -> Table:
    measures = ("coverage", "Gini", "top 1 %")
    table = _table("Pools", "category", "published", "what if", "difference", *measures, "gain", "lose")
    found = {category: gains(outcome, category) for category in outcome.pools}
    if outcome.earned.num_rows and (pulse := gains(outcome, PULSE)).published + pulse.micros:
        found[PULSE] = pulse
    money = _money_rows([(own.published, own.micros) for own in found.values()])
    for (category, pool), shown in zip(outcome.pools.items(), money, strict=False):
        before = published.pools.get(category)
        then_now = zip(_measures(before), _measures(pool), strict=True)
        measured = (f"{then} → {now}" if then != now else now for then, now in then_now)
        table.add_row(quoted(category), *shown, *measured, *_creators(outcome, category))
    if PULSE in found:
        table.add_row("Pulse", *money[-2], "", "", "", *_creators(outcome, PULSE))
    table.add_section()
    table.add_row("all", *money[-1], "", "", "", *_creators(outcome, None))
    return table


def _money_rows(pairs: Sequence[tuple[int, int]]) -> list[tuple[str, str, str]]:
    """Published money, money now and the difference of each pair of micros, and their sums at the end.

    Rows and columns of the printed amounts sum; an amount that is the same before and now stays the same.
    """
    exact = [now - published for published, now in pairs]
    before, change = in_whole_cents([published for published, _ in pairs]), in_whole_cents(exact)
    rows = [
        (in_units(old), in_units(old + moved), signed_cents(moved, of))
        for old, moved, of in zip(before, change, exact, strict=True)
    ]
    return [*rows, (in_units(sum(before)), in_units(sum(before) + sum(change)), signed_money(sum(change)))]


def _money(found: Gains) -> tuple[str, str, str]:
    return in_units(found.published), in_units(found.micros), signed_money(found.micros - found.published)


def _creators(outcome: WhatIf, category: str | None) -> tuple[str, str]:
    found = gains(outcome, category)
    return f"{found.gaining:,}", f"{found.losing:,}"


def _measures(pool: PoolRun | None) -> tuple[str, str, str]:
    """Coverage, Gini coefficient and share of the top 1 % as text."""
    if pool is None:
        return ("–", "–", "–")
    found = ((pool.coverage, ".1%"), (pool.gini, ".3f"), (pool.top1pct_share, ".1%"))
    coverage, spread, top = ("–" if value is None else format(value, form) for value, form in found)
    return coverage, spread, top


def _pools_by_setting(study: Study) -> Table:
    measures = ("paid", "difference", "coverage", "Gini", "top 1 %", "gain", "lose")
    table = _table("Pools", "category", "setting", *measures)
    for category in sorted({name for outcome in study.outcomes for name in outcome.pools}):
        before = study.published.pools.get(category)
        paid = "–" if before is None else in_units(before.paid_micros)
        table.add_row(quoted(category), "published", paid, "", *_measures(before), "", "")
        for outcome in study.outcomes:
            _, now, change = _money(gains(outcome, category))
            measured = _measures(outcome.pools[category])
            table.add_row("", outcome.name, now, change, *measured, *_creators(outcome, category))
        table.add_section()
    for outcome in study.outcomes:
        _, now, change = _money(gains(outcome))
        table.add_row("all, with Pulse", outcome.name, now, change, "", "", "", *_creators(outcome, None))
    return table


def _sizes(published: PublishedPayouts, outcome: WhatIf) -> Table:
    table = _table("By creator size", "creators by views", "creators", "published", "what if", "difference")
    fifths = size_changes(outcome, published.views)
    for fifth, money in zip(fifths, _money_rows([(own.published, own.micros) for own in fifths]), strict=False):
        table.add_row(f"{fifth.size} fifth", f"{fifth.creators:,}", *money)
    return table


def _sizes_by_setting(study: Study) -> Table:
    table = _table("By creator size: fifths of the creators by views", "setting", *SIZE_GROUPS)
    for place, outcome in enumerate(study.outcomes):
        fifths = size_changes(outcome, study.published.views)
        if place == 0:
            table.add_row("published", *(in_units(fifth.published) for fifth in fifths))
            table.add_section()
        table.add_row(outcome.name, *(signed_money(fifth.change) for fifth in fifths))
    return table


def _movers(outcomes: Sequence[WhatIf], most: int) -> Table:
    """The creators whose earnings change most under each configuration; its name where there are several."""
    named = ("setting",) if len(outcomes) > 1 else ()
    table = _table("Creators who would gain or lose most", *named, "creator", "published", "what if", "difference")
    for outcome in outcomes:
        for place, mover in enumerate(movers(outcome, most)):
            table.add_row(*((outcome.name if place == 0 else "",) if named else ()), *_mover(mover))
        table.add_section()
    return table


def _mover(mover: Mover) -> tuple[str, ...]:
    return quoted(mover.creator), in_units(mover.before), in_units(mover.now), signed_money(mover.change)


def _print_creators(out: PlainConsole, outcome: WhatIf) -> None:
    found = gains(outcome)
    out.print(
        f"Creators, {outcome.name}: {found.gaining:,} gain {in_units(found.gained)}, {found.losing:,} lose "
        f"{in_units(-found.lost)}, {found.same:,} earn the same, {found.nothing:,} earn nothing either way.",
        soft_wrap=True,
    )
    for category, pool in outcome.pools.items():
        for warning in other_warnings(pool.warning):
            out.print(f"Warning, {outcome.name}, pool {quoted(category)}: {warning}", style="yellow")
