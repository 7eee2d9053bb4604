"""Kernels: a sparse row times a sparse matrix into one dense row, and the best of what it touched.

The best are kept in a heap with the worst at its root: of two equal values the one with the larger position is worse,
so that ties go by position, and positions are in order of id. All in one file, as code kept on disk must be.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from creatorpool.numerics.compiled import compiled


@compiled
def _is_worse(value: float, position: int, other_value: float, other_position: int) -> bool:
    return value < other_value or (value == other_value and position > other_position)


@compiled
def _sink(values: Any, positions: Any, start: int, size: int) -> None:
    """Restore the heap below `start`."""
    at = start
    value, position = values[at], positions[at]
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        right = child + 1
        if right < size and _is_worse(values[right], positions[right], values[child], positions[child]):
            child = right
        if not _is_worse(values[child], positions[child], value, position):
            break
        values[at], positions[at] = values[child], positions[child]
        at = child
    values[at], positions[at] = value, position


@compiled
def _offer(values: Any, positions: Any, size: int, limit: int, value: float, position: int) -> int:
    """Keep (value, position) if it is among the best `limit`; returns how many are kept."""
    if size == limit:
        if limit > 0 and _is_worse(values[0], positions[0], value, position):
            values[0], positions[0] = value, position
            _sink(values, positions, 0, size)
        return size
    at = size
    while at > 0:
        above = (at - 1) // 2
        if not _is_worse(value, position, values[above], positions[above]):
            break
        values[at], positions[at] = values[above], positions[above]
        at = above
    values[at], positions[at] = value, position
    return size + 1


@compiled
def _sort_best_first(values: Any, positions: Any, size: int) -> None:
    for last in range(size - 1, 0, -1):
        values[0], values[last] = values[last], values[0]
        positions[0], positions[last] = positions[last], positions[0]
        _sink(values, positions, 0, last)


@compiled
def neighbours_of_rows(
    first: int,
    end: int,
    row_start: Any,
    row_column: Any,
    row_value: Any,
    column_start: Any,
    column_row: Any,
    column_value: Any,
    square: Any,
    min_common: int,
    index: Any,
    similarity: Any,
) -> None:
    """Fill rows `first` … `end` of `index` and `similarity`, both (rows, k), from the matrix by rows and by columns.

    Ranked by dot²/(‖a‖²‖b‖²), one rounding of a fraction: equal cosines are equal to the bit, whatever their norms.
    """
    k = index.shape[1]
    total, common = np.zeros(square.size), np.zeros(square.size, np.int32)
    touched = np.empty(square.size, np.int32)
    for a in range(first, end):
        count = 0
        for p in range(row_start[a], row_start[a + 1]):
            u, score = row_column[p], row_value[p]
            for q in range(column_start[u], column_start[u + 1]):
                b = column_row[q]
                if common[b] == 0:
                    touched[count] = b
                    count += 1
                common[b] += 1
                total[b] += score * column_value[q]
        size = 0
        for t in range(count):
            b = touched[t]
            dot, shared = total[b], common[b]
            total[b], common[b] = 0.0, 0
            if b != a and dot > 0.0 and shared >= min_common:
                size = _offer(similarity[a - first], index[a - first], size, k, dot * dot / (square[a] * square[b]), b)
        _sort_best_first(similarity[a - first], index[a - first], size)
        for r in range(size):
            similarity[a - first, r] = np.sqrt(similarity[a - first, r])


@compiled
def _is_wanted(item: int, user: int, category_start: Any, category: Any, interest: Any) -> bool:
    found = False
    for c in range(category_start[item], category_start[item + 1]):
        found |= interest[user, category[c]]
    return found


@compiled
def candidates_of_users(
    first: int,
    end: int,
    user_start: Any,
    user_item: Any,
    user_score: Any,
    index: Any,
    similarity: Any,
    views: Any,
    is_offered: Any,
    category_start: Any,
    category: Any,
    popular_start: Any,
    popular_item: Any,
    interest: Any,
    weights: Any,
    pool: int,
    found: Any,
    final: Any,
    score: Any,
) -> None:
    """Fill rows `first` … `end` of `found`, `final` and `score`, all (users, r).

    `popular_item` lists the items of each category by views, best first, and last those of all: `popular_start` says
    where each list begins.
    """
    limit = found.shape[1]
    categories = popular_start.size - 2
    total = np.zeros(views.size)
    state = np.zeros(views.size, np.int8)  # 1 touched, 2 seen, 3 taken into the pool
    touched = np.empty(views.size, np.int32)
    best, chosen = np.empty(pool), np.empty(pool, np.int32)
    taken = np.empty(pool + (categories + 1) * limit, np.int32)
    for u in range(first, end):
        for p in range(user_start[u], user_start[u + 1]):
            state[user_item[p]] = 2
        count = 0
        for p in range(user_start[u], user_start[u + 1]):
            a, weight = user_item[p], user_score[p]
            for r in range(index.shape[1]):
                b = index[a, r]
                if b < 0:
                    break
                if state[b] == 0:
                    state[b] = 1
                    touched[count] = b
                    count += 1
                total[b] += weight * similarity[a, r]
        size = 0
        for t in range(count):
            b = touched[t]
            if is_offered[b] and total[b] > 0.0:
                size = _offer(best, chosen, size, pool, total[b], b)
        for t in range(size):
            taken[t] = chosen[t]
            state[chosen[t]] = 3
        for c in range(categories + 1):
            if c < categories and not interest[u, c]:
                continue
            added, place = 0, popular_start[c]
            while added < limit and place < popular_start[c + 1]:
                b = popular_item[place]
                place += 1
                if state[b] >= 2 or total[b] < 0.0:
                    continue
                if state[b] == 0:
                    touched[count] = b
                    count += 1
                state[b] = 3
                taken[size] = b
                size += 1
                added += 1
        kept = 0
        for t in range(size):
            b = taken[t]
            wanted = 1.0 if _is_wanted(b, u, category_start, category, interest) else 0.0
            value = weights[0] * total[b] + weights[1] * views[b] + weights[2] * wanted
            kept = _offer(final[u - first], found[u - first], kept, limit, value, b)
        _sort_best_first(final[u - first], found[u - first], kept)
        for r in range(kept):
            score[u - first, r] = total[found[u - first, r]]
        for t in range(count):
            total[touched[t]] = 0.0
            state[touched[t]] = 0
        for p in range(user_start[u], user_start[u + 1]):
            state[user_item[p]] = 0
            total[user_item[p]] = 0.0
