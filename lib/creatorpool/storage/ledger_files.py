"""The files of a ledger's latest version, from those of an earlier one and the commits since.

To open a table of years takes longer than to read its gathered rows (`storage.gathered`), because its log is listed and
its checkpoint has an entry for each file. The gathered rows are of a version, whose files are stored with them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from urllib.parse import unquote

from creatorpool.storage.places import Place


@dataclass(frozen=True)
class LedgerFiles:
    """A version of a ledger, the hash of its commit, and its files, named from the table's folder."""

    version: int
    commit: str
    files: tuple[str, ...]


def files_of(table: Place, version: int, files: list[str]) -> LedgerFiles:
    """`files` as those of `version` of `table`."""
    return LedgerFiles(version, _hash(_commit(table, version) or b""), tuple(files))


def latest_files(table: Place, known: LedgerFiles) -> LedgerFiles | None:
    """The files of the latest version of `table`; None if `known` is not of its log or the log does not tell.

    A log has a commit and all later ones, or not that commit: its beginning may have been removed (`storage.log`), or
    the folder may have been replaced by a copy of another time.
    """
    last = _commit(table, known.version)
    if last is None or _hash(last) != known.commit:
        return None
    commit = _commit(table, known.version + 1)
    if commit is None:
        return known
    version, files = known.version, dict.fromkeys(known.files)
    while commit is not None:
        for line in commit.splitlines():
            action = json.loads(line)
            if "metaData" in action or "protocol" in action:
                return None  # deltalake knows what that means
            if "add" in action:
                files[unquote(action["add"]["path"])] = None
            elif "remove" in action:
                files.pop(unquote(action["remove"]["path"]), None)
        version, last = version + 1, commit
        commit = _commit(table, version + 1)
    return LedgerFiles(version, _hash(last), tuple(files))


def _commit(table: Place, version: int) -> bytes | None:
    try:
        return (table / "_delta_log" / f"{version:020}.json").read_bytes()
    except FileNotFoundError:
        return None


def _hash(commit: bytes) -> str:
    return sha256(commit).hexdigest()
