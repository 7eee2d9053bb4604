"""Creates tables from their contracts, and adds the columns that contracts gain."""

from __future__ import annotations

import pyarrow as pa
from deltalake import DeltaTable, Schema

from creatorpool.contracts import Contract
from creatorpool.errors import TableGuardError
from creatorpool.storage.location import TableLocation
from creatorpool.storage.probe import require_safe_commits
from creatorpool.storage.records import arrow_schema

_TABLE_PROPERTIES = {
    # Readers without Spark (deltalake, Polars) must be able to read every table.
    "delta.enableDeletionVectors": "false",
    "delta.columnMapping.mode": "none",
    # The ledger names the versions in which days are published. They must stay readable while anybody may ask about a
    # payout. Maintenance may shorten this time on purpose.
    "delta.logRetentionDuration": "interval 3650 days",
    "delta.deletedFileRetentionDuration": "interval 3650 days",
    # Writers leave checkpoints to `storage.checkpoints`, which removes the file that keeps Sail from older versions.
    "delta.checkpointInterval": "2000000000",
}

_ensured: set[tuple[str, ...]] = set()
"""Tables that this process has found to have their contract's columns: the path of each, followed by its columns"""


class TableCreator(TableLocation):
    """Tables that have the columns of their contracts before rows are written."""

    def ensure(self, table: str) -> Contract:
        """Create `table` from its contract, or add nullable columns that are new in the contract; return the contract.

        Raises
        ------
        TableGuardError
            If a new column of the contract is required: stored rows have no value for it.
        ConfigurationError
            If the storage would let two commits overwrite each other.
        """
        contract = self.contract(table)
        known = (self.path(table), *contract.column_names)
        is_created = self.exists(table)
        if is_created and known in _ensured:
            return contract
        if not is_created:
            require_safe_commits(self.root)
            DeltaTable.create(
                self.path(table),
                arrow_schema(contract),
                mode="ignore",
                partition_by=list(contract.partition_by),
                name=contract.name,
                description=contract.description,
                configuration=_TABLE_PROPERTIES,
                storage_options=self._options,
            )
        self._add_new_columns(contract)
        _ensured.add(known)
        return contract

    def _add_new_columns(self, contract: Contract) -> None:
        delta = self._delta(contract.name)
        stored = {field.name for field in delta.schema().fields}
        required = [column.name for column in contract.columns if column.name not in stored and not column.nullable]
        if required:
            raise TableGuardError(
                f"{contract.name}: contract {contract.version} requires the new columns {required}, but stored rows "
                f"have no value for them; set 'required: false' in the contract"
            )
        added = pa.schema([field for field in arrow_schema(contract) if field.name not in stored])
        if len(added):
            delta.alter.add_columns(Schema.from_arrow(added).fields)
