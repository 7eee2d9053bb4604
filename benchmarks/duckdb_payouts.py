"""DuckDB's part of a night after its signals: quality, the split of each pool, rounding, and the payouts, as Parquet.

It follows the formulas for the default policy, without floors, caps, smoothing and refunds. SQL does all but the search
for each pool's multiplier, which scipy does over the pool's column of effective impressions. `require_same_payouts`
compares the rows with those of a night.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from creatorpool.settings import Settings

PAYOUTS = ("pool_payouts", "video_payouts", "creator_payouts")


def duckdb_payouts(db: duckdb.DuckDBPyConnection, signals: Path, revenue: Path, out: Path, settings: Settings) -> None:
    """Write the three tables of payouts to `out`, from files of the day's signals and revenue and the view `videos`."""
    phi = settings.signals.component_weights.model_dump()
    quality = " * ".join(f"pow({component}, {weight!r}::DOUBLE)" for component, weight in phi.items())
    db.execute(f"""
        CREATE TABLE members AS
        SELECT unnest(list_distinct(categories)) AS category, video_id, creator_id,
               views * least(1, {quality}) AS effective_impressions
        FROM '{signals}' JOIN videos USING (video_id) WHERE is_compliant
    """)
    db.execute(f"""
        CREATE TABLE pools AS
        SELECT category, {_share_of_revenue(1 - settings.pools.platform_share)} AS pool_micros
        FROM '{revenue}' WHERE placement = 'non_pulse' GROUP BY category
    """)
    policy = settings.allocation
    solved = [
        (category, _multiplier(_impressions(db, category), policy.alpha, policy.lambda_eff))
        for (category,) in db.execute("SELECT category FROM pools").fetchall()
    ]
    db.execute("CREATE TABLE multipliers (category VARCHAR, mu DOUBLE)")
    db.executemany("INSERT INTO multipliers VALUES (?, ?)", solved)
    lambda_eff = f"{policy.lambda_eff!r}::DOUBLE"
    # The largest remainders of a pool get one micro more each, ties by video.
    db.execute(f"""
        CREATE TABLE pool_payouts AS
        WITH shares AS (
            SELECT *, effective_impressions / sum(effective_impressions) OVER (PARTITION BY category) AS share
            FROM members
        ), amounts AS (
            SELECT shares.*, pool_micros, pow(share, {policy.alpha!r}::DOUBLE) AS weight,
                   pool_micros * (1 - {lambda_eff}) * weight / (mu - {lambda_eff} * share) AS amount
            FROM shares JOIN pools USING (category) JOIN multipliers USING (category)
        ), placed AS (
            SELECT *, row_number() OVER (PARTITION BY category ORDER BY amount - floor(amount) DESC, video_id) AS place,
                   pool_micros - sum(floor(amount)::BIGINT) OVER (PARTITION BY category) AS missing
            FROM amounts
        )
        SELECT category, video_id, creator_id, effective_impressions, share, weight,
               floor(amount)::BIGINT + (place <= missing)::BIGINT AS payout_micros
        FROM placed
    """)
    db.execute(f"""
        CREATE TABLE video_payouts AS
        WITH paid AS (SELECT video_id, sum(payout_micros)::BIGINT AS payout_micros FROM pool_payouts GROUP BY video_id),
        pulse AS (
            SELECT video_id, {_share_of_revenue(settings.pools.pulse_creator_share)} AS pulse_micros
            FROM '{revenue}' WHERE placement = 'pulse' GROUP BY video_id
        )
        SELECT video_id, creator_id, coalesce(payout_micros, 0) AS payout_micros,
               coalesce(pulse_micros, 0) AS pulse_micros,
               coalesce(payout_micros, 0) + coalesce(pulse_micros, 0) AS total_micros
        FROM paid FULL JOIN pulse USING (video_id) JOIN videos USING (video_id)
    """)
    sums = ", ".join(f"sum({name})::BIGINT AS {name}" for name in ("payout_micros", "pulse_micros", "total_micros"))
    db.execute(f"""
        CREATE TABLE creator_payouts AS
        SELECT creator_id, {sums}, count(*) FILTER (total_micros > 0) AS videos_paid
        FROM video_payouts GROUP BY creator_id
    """)
    for table in PAYOUTS:
        db.execute(f"COPY {table} TO '{out / table}.parquet' (COMPRESSION zstd)")


def _share_of_revenue(share: float) -> str:
    return f"floor(sum(revenue_micros)::DECIMAL(28, 0) * {share!r}::DECIMAL(18, 6))::BIGINT"


def _impressions(db: duckdb.DuckDBPyConnection, category: str) -> NDArray[np.float64]:
    found = db.execute("SELECT effective_impressions FROM members WHERE category = ?", [category]).fetchnumpy()
    return np.asarray(found["effective_impressions"], dtype=np.float64)


def _multiplier(impressions: NDArray[np.float64], alpha: float, lambda_eff: float) -> float:
    """The root of the sum of p / P = λ_fair w / (μ - λ_eff s) = 1, with μ = ν P (formulas §2.3)."""
    share = impressions / impressions.sum()
    fair = (1 - lambda_eff) * share**alpha
    # No video gets more than the pool, and at the upper end all get too little.
    low, high = float((lambda_eff * share + fair).max()), float(lambda_eff * share.max() + fair.sum())
    return float(brentq(lambda mu: float((fair / (mu - lambda_eff * share)).sum()) - 1, low, high, xtol=1e-15))


def require_same_payouts(out: Path, files: dict[str, list[str]]) -> None:
    """Stop unless a night's `files` of the tables of payouts say what DuckDB's in `out` say.

    All sums are equal, and each row of a pool to the micro or the next one: two searches for a multiplier may differ in
    its last bits.
    """
    db = duckdb.connect()
    for table in PAYOUTS:
        db.execute(f"CREATE VIEW {table} AS SELECT * FROM read_parquet({files[table]!r})")
        db.execute(f"CREATE VIEW duckdb_{table} AS SELECT * FROM '{out / table}.parquet'")
    pools = "SELECT category, count(*), sum(payout_micros) FROM {}pool_payouts GROUP BY category ORDER BY category"
    sums = "SELECT count(*), sum(payout_micros), sum(pulse_micros), sum(total_micros) FROM {}"
    for query in (pools, f"{sums}video_payouts", f"{sums}creator_payouts"):
        ours, peers = (db.execute(query.format(owner)).fetchall() for owner in ("", "duckdb_"))
        if ours != peers:
            sys.exit(f"{query.format('')}: {ours}, DuckDB {peers}")
    differing = db.execute("""
        SELECT count(*) FROM pool_payouts AS ours FULL JOIN duckdb_pool_payouts AS peers USING (category, video_id)
        WHERE coalesce(abs(ours.payout_micros - peers.payout_micros) > 1, true)
    """).fetchall()[0][0]
    if differing:
        sys.exit(f"{differing} payouts of pools are not DuckDB's")
