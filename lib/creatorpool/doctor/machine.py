"""Examines this machine: memory for the engine, and room for what it spills."""

from __future__ import annotations

import shutil
import tempfile

import psutil

from creatorpool.doctor.findings import Finding
from creatorpool.session import EMBEDDED, SPARK
from creatorpool.settings import EngineSettings

_GIB = 1 << 30
_LEAST_MEMORY = 2 * _GIB
_LEAST_DISK = 5 * _GIB


def machine_findings(engine: str, settings: EngineSettings) -> list[Finding]:
    """Memory, and the disk of temporary files."""
    return [_memory(engine, settings), _disk()]


def _memory(engine: str, settings: EngineSettings) -> Finding:
    memory = psutil.virtual_memory()
    given = {
        EMBEDDED: settings.memory_share * memory.total,
        SPARK: int(settings.driver_memory[:-1]) * (_GIB if settings.driver_memory.endswith("g") else 1 << 20),
    }.get(engine, 0.0)
    key = "engine.memory_share" if engine == EMBEDDED else "engine.driver_memory"
    has = f"{memory.available / _GIB:.1f} of {memory.total / _GIB:.1f} GiB are free"
    if given > memory.available:
        text = f"{has}, and the engine may take {given / _GIB:.1f}: end other programs, or lower {key}"
        return Finding("memory", "warning", text)
    if memory.available < _LEAST_MEMORY:
        return Finding("memory", "warning", f"{has}: a night needs 2 GiB at the least; end other programs")
    return Finding("memory", "ok", f"{has}; the engine may take {given / _GIB:.1f}")


def _disk() -> Finding:
    place = tempfile.gettempdir()
    free = shutil.disk_usage(place).free
    if free < _LEAST_DISK:
        text = f"{free / _GIB:.1f} GiB are free in {place}, where engines spill: free some, or set TMPDIR"
        return Finding("disk", "warning", text)
    return Finding("disk", "ok", f"{free / _GIB:.1f} GiB are free in {place}, where engines spill")
