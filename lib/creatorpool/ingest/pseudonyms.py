"""Replaces viewers' ids by keyed hashes before any row is checked or staged, so that no written file has delivered ids.

The pseudonym is the SHA-256 of the hashed key and the id. A viewer has the same pseudonym on every day and engine, and
nobody without the key can test ids against pseudonyms.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from creatorpool.contracts.row_rules import RAW_ROW
from creatorpool.errors import ConfigurationError
from creatorpool.ingest.records import Records

KEY_VARIABLE = "CREATORPOOL_HASH_KEY"
"""Environment variable with the key. The key is a secret: it is never in a configuration, a table or a log line."""

WITHHELD = "withheld: a record that cannot be read may hold a viewer's id"

VIEWER = "viewer_id"
_SHORTEST_KEY = 32


def hash_key() -> str:
    """The key from the environment; ConfigurationError if there is none or it has less than 32 characters."""
    key = os.environ.get(KEY_VARIABLE, "")
    if len(key) < _SHORTEST_KEY:
        raise ConfigurationError(
            f"ingest.hash_viewer_ids needs a key of at least {_SHORTEST_KEY} characters in the environment variable "
            f"{KEY_VARIABLE}, got {len(key)} characters"
        )
    return key


def key_fingerprint(key: str) -> str:
    """A short hash of the key, which shows whether two keys are equal and does not reveal them."""
    return _digest(f"fingerprint {key}")[:16]


@dataclass(frozen=True)
class Pseudonyms:
    """Hashes the columns `names` under a key, in frames and in Arrow batches alike."""

    key: str
    names: tuple[str, ...] = (VIEWER,)

    @property
    def _secret(self) -> str:
        return _digest(f"pseudonym {self.key}")

    def frame(self, rows: DataFrame) -> DataFrame:
        """`rows` with pseudonyms in the hashed columns that it has."""
        return rows.select(
            *(self._column(name).alias(name) if name in self.names else F.col(name) for name in rows.columns)
        )

    def batch(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """`batch` with pseudonyms in the hashed columns that it has; these must be text."""
        for name in set(self.names) & set(batch.schema.names):
            batch = batch.set_column(batch.schema.get_field_index(name), name, self._array(batch.column(name)))
        return batch

    def records(self, records: Records) -> Records:
        """`records` with pseudonyms and without `raw_row`, whose text may contain ids; unreadable ones get a note."""
        batch, shown = self.batch(records.batch), None if records.is_readable else WITHHELD
        raw = pa.array([shown] * batch.num_rows, pa.string())
        place = batch.schema.get_field_index(RAW_ROW)
        return Records(batch.set_column(place, RAW_ROW, raw), is_readable=records.is_readable)

    def _column(self, name: str) -> Column:
        value = F.col(name).cast("string")
        # An empty id stays empty, so that a rule refuses it.
        hashed = F.sha2(F.concat(F.lit(self._secret), value).cast("binary"), 256)
        return F.when(value == "", value).otherwise(hashed)

    def _array(self, values: pa.Array) -> pa.Array:
        secret = self._secret
        coded = pc.dictionary_encode(values)
        hashed = [_digest(secret + text) if text else text for text in coded.dictionary.to_pylist()]
        return pa.array(hashed, pa.string()).take(coded.indices)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
