"""Compilation and threads for the numeric kernels: machine code that releases the GIL, run on slices of a pool."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
Result = TypeVar("Result")

# Below this many rows a second thread costs more than it saves.
MIN_ROWS_PER_THREAD = 100_000


def compiled(function: Kernel) -> Kernel:
    """Compile `function`; keep the machine code on disk where some cache folder is writable, else in memory only.

    Code on disk is renewed when the function's own file changes, so all it calls must live there too.
    IEEE semantics stay whole (no fast-math): the kernels' sums are exact because no operation is reordered or fused.
    """
    try:
        return cast(Kernel, numba.njit(function, cache=True, nogil=True, error_model="numpy"))
    except RuntimeError:  # numba found no folder it may write to
        return compiled_in_memory(function)


def compiled_in_memory(function: Kernel) -> Kernel:
    """As `compiled`, afresh in each process: for what calls across files or cannot be kept, such as generators."""
    return cast(Kernel, numba.njit(function, nogil=True, error_model="numpy"))


def processors() -> int:
    """Processors that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS does not say


def on_slices(task: Callable[[int, int], Result], rows: int, least: int = MIN_ROWS_PER_THREAD) -> list[Result]:
    """Run ``task(first, end)`` on contiguous slices that cover `rows`, one a processor, and return their results.

    Below `least` rows a slice, one thread does it all. Threads live only as long as the call, so that a process forked
    later inherits none.
    """
    threads = min(processors(), rows // least)
    if threads < 2:
        return [task(0, rows)]
    edges = [rows * t // threads for t in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, edges[:-1], edges[1:]))
