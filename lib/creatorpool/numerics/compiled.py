"""Compilation and threads for the numeric kernels: machine code without the GIL, run on slices of a pool's rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
Result = TypeVar("Result")

# With fewer rows per thread a second thread costs more than it saves.
MIN_ROWS_PER_THREAD = 100_000


def compiled(function: Kernel) -> Kernel:
    """Compile `function`. The machine code is kept on disk if a cache folder is writable, else in memory only.

    numba renews code on disk only when the function's own file changes, so all that it calls must be in that file.
    There is no fast-math: the kernels' sums are exact only if no operation is reordered or fused.
    """
    try:
        return cast(Kernel, numba.njit(function, cache=True, nogil=True, error_model="numpy"))
    except RuntimeError:  # numba found no folder it may write to
        return compiled_in_memory(function)


def compiled_in_memory(function: Kernel) -> Kernel:
    """As `compiled`, but never kept on disk: for functions that call other files, or that numba cannot store."""
    return cast(Kernel, numba.njit(function, nogil=True, error_model="numpy"))


def processors() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS does not say


def on_slices(task: Callable[[int, int], Result], rows: int, least: int = MIN_ROWS_PER_THREAD) -> list[Result]:
    """Run ``task(first, end)`` on contiguous slices of `rows` rows, one per processor; return the results in order.

    A slice has at least `least` rows; fewer rows run in one thread. The threads end with the call, so that a process
    forked later inherits none.
    """
    threads = min(processors(), rows // least)
    if threads < 2:
        return [task(0, rows)]
    edges = [rows * t // threads for t in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(task, edges[:-1], edges[1:]))
