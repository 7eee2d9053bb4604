"""Where tables are: their paths, contracts and versions."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self

from deltalake import DeltaTable
from pyspark.sql import SparkSession

from creatorpool.contracts import Contract, load_contract
from creatorpool.errors import MissingTableError
from creatorpool.session import is_embedded
from creatorpool.storage.fence import Fence
from creatorpool.storage.files import store_options
from creatorpool.storage.log import latest_version
from creatorpool.storage.opened import OpenedTables
from creatorpool.storage.places import Place, engine_path, engine_root


@dataclass(frozen=True)
class TableLocation:
    """All tables under one root, each at ``root/<table>``; each subclass adds one kind of access."""

    session: SparkSession | None
    root: Place
    contracts_directory: Path | None = None
    fences: tuple[Fence, ...] = ()
    opened: OpenedTables = field(default_factory=OpenedTables, repr=False, compare=False)

    def path(self, table: str) -> str:
        """Path or URI of `table`."""
        return f"{self.root}/{table}"

    def fenced(self, fence: Fence) -> Self:
        """The same tables, with commits that also fail once another run has taken over the claim of `fence`."""
        return replace(self, fences=(*self.fences, fence))

    def unfenced(self) -> Self:
        """The same tables without fences, for the claims themselves."""
        return replace(self, fences=())

    def contract(self, table: str) -> Contract:
        """The contract of `table`; ContractError if there is none or it cannot be used."""
        return load_contract(table, self.contracts_directory)

    def exists(self, table: str) -> bool:
        """Whether `table` exists."""
        return self.opened.has(self.root / table) or latest_version(self.root / table) is not None

    def version(self, table: str) -> int:
        """Latest Delta version of `table`; MissingTableError if the table does not exist."""
        return self._delta(table).version()

    def versions(self, *tables: str) -> dict[str, int]:
        """Latest version of each of `tables`, as a run records them in the ledger; raises as `version` does."""
        return {table: self.version(table) for table in sorted(tables)}

    def engine_root(self) -> Place:
        """The root as the engine must be given it, for files beside the tables that the engine reads."""
        return engine_root(self.root, is_embedded=is_embedded(self._session("files beside the tables")))

    def _engine_path(self, table: str) -> str:
        """As `engine_root`, for `table`."""
        return engine_path(self.engine_root() / table)

    @property
    def _options(self) -> dict[str, str] | None:
        """What deltalake must be told about the storage."""
        return store_options(self.root)

    def _session(self, table: str) -> SparkSession:
        """The session; RuntimeError if there is none, which names `table`."""
        if self.session is None:
            raise RuntimeError(f"'{table}' as a frame needs a session; this warehouse has none")
        return self.session

    def _delta(self, table: str, version: int | None = None) -> DeltaTable:
        """`table` as deltalake knows it, at `version` if given; MissingTableError if the table does not exist.

        Use it before you ask for the same table again: the latest version is one object, which moves.
        """
        latest = self.opened.latest(self.root / table, lambda: self._open(table, latest_version(self.root / table)))
        if version is None or version == latest.version():
            return latest
        return self.opened.at(self.root / table, version, lambda: self._open(table, version))

    def _open(self, table: str, version: int | None) -> DeltaTable:
        """`table` at `version`, which deltalake opens in half of the time that it takes to find the latest one, too."""
        if version is None:
            raise MissingTableError(f"table '{table}' does not exist under {self.root}")
        return DeltaTable(self.path(table), version=version, storage_options=self._options)
