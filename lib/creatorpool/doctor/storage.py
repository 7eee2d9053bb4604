"""Examines the tables' root and the source of a delivery."""

from __future__ import annotations

from creatorpool.contracts import load_contracts
from creatorpool.doctor.findings import Finding, examined
from creatorpool.errors import InputError
from creatorpool.ingest.delivery import delivered_files, unread_entries
from creatorpool.ingest.sources.files import input_paths
from creatorpool.ingest.sources.mapping import NATIVE, load_mapping
from creatorpool.quoting import shortened_list
from creatorpool.settings import IngestSettings
from creatorpool.storage.files import described
from creatorpool.storage.places import Place
from creatorpool.storage.probe import LOST, clock_difference, loses_commits, probe_folder
from creatorpool.tables import Warehouse

_TOLERATED_SECONDS = 60
"""Object stores refuse signatures of clocks that differ by 15 minutes; leases of claims are minutes, too"""


def storage_findings(root: Place) -> list[Finding]:
    """The root itself, then permissions and clock, then whether commits there exclude each other."""
    return [
        examined("root", lambda: _root(root)),
        examined("files", lambda: _files(root)),
        examined("commits", lambda: _commits(root)),
    ]


def source_finding(source: Place | None, settings: IngestSettings) -> Finding:
    """Whether a delivery is complete: each required table, or each input of the mapping, has files."""
    if source is None:
        return Finding("source", "ok", "none is named: give --source to examine a delivery")
    return examined("source", lambda: _source(source, settings))


def _root(root: Place) -> Finding:
    place = described(root)
    if not root.is_dir():
        return Finding("root", "ok", f"{place}: nothing is there yet; the first night makes it")
    warehouse = Warehouse(None, root)
    tables = [name for name in load_contracts() if warehouse.exists(name)]
    return Finding("root", "ok", f"{place}: {len(tables)} tables")


def _files(root: Place) -> Finding:
    with probe_folder(root) as folder:
        ahead = clock_difference(folder)
    if abs(ahead) > _TOLERATED_SECONDS:
        way = "ahead of" if ahead > 0 else "behind"
        return Finding(
            "files",
            "warning",
            f"this machine's clock is {abs(ahead):,.0f} s {way} the storage's: synchronise it (NTP), because stores "
            f"refuse requests of other times, and leases of claims end too early or too late",
        )
    return Finding("files", "ok", "a file was written, read and deleted; the clocks agree")


def _commits(root: Place) -> Finding:
    with probe_folder(root) as folder:
        if loses_commits(folder):
            return Finding("commits", "fault", LOST.format(root))
    return Finding("commits", "ok", "of six commits at the same time, none was lost")


def _source(source: Place, settings: IngestSettings) -> Finding:
    if settings.format == NATIVE:
        files = delivered_files(source)
        unread = unread_entries(source)
        words = ", ".join(f"{found.table} ({len(found.paths)} {found.format})" for found in files)
        if unread:
            text = f"{source}: {words}; no table takes {shortened_list(unread)}: rename or remove them"
            return Finding("source", "warning", text)
        return Finding("source", "ok", f"{source}: {words}")
    inputs = load_mapping(settings.format).mapping.inputs
    counts = {name: len(input_paths(source, name, given)) for name, given in inputs.items()}
    if not any(counts.values()):
        raise InputError(f"{source} has no file of any input of mapping '{settings.format}'")
    return Finding("source", "ok", f"{source}: {', '.join(f'{name} ({number})' for name, number in counts.items())}")
