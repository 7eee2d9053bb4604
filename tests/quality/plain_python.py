"""Signals and quality of formulas §1 from raw rows, in plain Python with loops and math.log."""

from __future__ import annotations

import math
from typing import Any

from creatorpool.actions import ACTIONS


def recomputed_quality(
    events: list[dict[str, Any]], tier_of: dict[str, str], video: dict[str, Any], rules: dict[str, Any]
) -> dict[str, Any] | None:
    """Signals and quality of one `video` from its events of one day; None if it has no qualified view."""
    events = _first_of_viewer(events, rules["limit"])
    views = sum(
        e["watch_ms"] >= rules["min_watch_ms"] and e["watch_ms"] >= rules["min_share"] * video["length_ms"]
        for e in events
    )
    if views == 0:
        return None
    viewers = sorted({e["viewer_id"] for e in events})
    weight = {i: rules["tiers"][tier_of[i]] for i in viewers}
    total = sum(weight.values())
    watched = {i: sum(e["watch_ms"] for e in events if e["viewer_id"] == i) for i in viewers}
    loops = {i: sum(e["loop_count"] or 0 for e in events if e["viewer_id"] == i) for i in viewers}
    rates = {
        a.name: sum(weight[i] / total for i in viewers if any(e[a.event_column] for e in events if e["viewer_id"] == i))
        for a in ACTIONS
    }
    length = video["length_ms"]
    components = {
        "watch_completion": sum(weight[i] / total * min(1, watched[i] / length) for i in viewers),
        "engagement_rate": min(1, sum(rules["action_weights"][name] * rate for name, rate in rates.items())),
        "engagement_diversity": _diversity(list(rates.values())),
        "rewatch": min(1, sum(weight[i] / total for i in viewers if watched[i] > length or loops[i] > 1)),
        "safety": max(0, video["s_pos"] - rules["toxicity_penalty"] * video["s_tox"]),
    }
    raw = math.prod(components[name] ** phi for name, phi in rules["component_weights"].items())
    return {
        "views": views,
        "viewers": len(viewers),
        "trust_weight": total,
        **components,
        **{f"{action}_rate": rate for action, rate in rates.items()},
        "raw_score": raw,
        "quality_score": min(1, raw) if video["is_compliant"] else 0.0,
    }


def _first_of_viewer(events: list[dict[str, Any]], limit: int | None) -> list[dict[str, Any]]:
    seen: dict[str, int] = {}
    kept = []
    for event in sorted(events, key=lambda e: (e["event_ts"], e["event_id"])):
        seen[event["viewer_id"]] = seen.get(event["viewer_id"], 0) + 1
        if limit is None or seen[event["viewer_id"]] <= limit:
            kept.append(event)
    return kept


def _diversity(rates: list[float]) -> float:
    total = sum(rates)
    shares = [rate / total for rate in rates if rate > 0]
    return -sum(p * math.log(p) for p in shares) / math.log(len(rates))
