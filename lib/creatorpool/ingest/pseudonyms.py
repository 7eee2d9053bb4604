"""Viewers' ids replaced by keyed hashes before any row is judged, so that no table ever holds the delivered ones.

SHA-256 over the hashed key and the id: the same viewer has the same pseudonym on each day and engine, and nobody
without the key can try ids against it.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Sequence
from dataclasses import replace

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts import Contract
from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.errors import ConfigurationError
from creatorpool.ingest.delivery import Delivery

KEY_VARIABLE = "CREATORPOOL_HASH_KEY"
"""The environment's name for the key, which is a secret: it stands in no configuration, table or log line."""

WITHHELD = "withheld: a line that cannot be read may hold a viewer's id"

_VIEWER = "viewer_id"
_SHORTEST_KEY = 32


def hash_key() -> str:
    """The key that the environment gives; ConfigurationError if there is none, or one short enough to be guessed."""
    key = os.environ.get(KEY_VARIABLE, "")
    if len(key) < _SHORTEST_KEY:
        raise ConfigurationError(
            f"ingest.hash_viewer_ids needs a key of at least {_SHORTEST_KEY} characters in the environment's "
            f"{KEY_VARIABLE}, got {len(key)}"
        )
    return key


def key_fingerprint(key: str) -> str:
    """What tells two keys apart and gives neither away."""
    return _digest(f"fingerprint {key}")[:16]


def pseudonymised(delivery: Delivery, contract: Contract, key: str, *, made_of_ids: Collection[str] = ()) -> Delivery:
    """`delivery` with pseudonyms for viewers' ids, also in the rows that quarantine would show; others as they are.

    `made_of_ids` names further columns that hold a viewer's id among other things, and are hashed whole.
    """
    if _VIEWER not in contract.column_names:
        return delivery
    secret = _digest(f"pseudonym {key}")
    names = [name for name in (_VIEWER, *made_of_ids) if name in contract.column_names]
    return replace(delivery, parts=tuple(_hashed(part, contract, names, secret) for part in delivery.parts))


def _hashed(part: DataFrame, contract: Contract, names: Sequence[str], secret: str) -> DataFrame:
    hashed = part.withColumns({name: _pseudonym(F.col(name).cast("string"), secret) for name in names})
    if RAW_ROW not in part.columns:
        return hashed
    present = [name for name in contract.column_names if name in part.columns]
    # The line itself has the id: its fields stand for it.
    fields = F.to_json(F.struct(*present))
    is_read = F.coalesce(*present).isNotNull()
    return hashed.withColumn(RAW_ROW, F.when(is_read, fields).otherwise(F.lit(WITHHELD)))


def _pseudonym(value: Column, secret: str) -> Column:
    # An empty id stays one, for the rule that refuses it.
    return F.when(value == "", value).otherwise(F.sha2(F.concat(F.lit(secret), value).cast("binary"), 256))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
