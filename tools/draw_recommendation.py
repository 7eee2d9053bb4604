"""Draws the learning curves of docs/recommendation.md from the trials of the benchmark.

python benchmarks/agent.py --seeds 20 --save agent.jsonl
python tools/draw_recommendation.py agent.jsonl docs/images
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np

from creatorpool.recommend.trial import standings

PEERS = ("random", "final score", "final score, tuned")
# Curves that would cover the first one or a peer's level are in the table only.
CURVES = ("DQN", "DQN, joint network", "DQN, final scores only", "DQN, the source's")


def main(file: Path, folder: Path) -> None:
    trials = [json.loads(line) for line in file.read_text().splitlines()]
    folder.mkdir(parents=True, exist_ok=True)
    learning_curves(trials).save(str(folder / "recommendation-learning.svg"))


def learning_curves(trials: list[dict[str, Any]]) -> alt.LayerChart | alt.FacetChart:
    """Return without exploration as agents learn, mean and 95 % band over the seeds; peers as dashed levels."""
    names = list(CURVES)
    curve_rows = []
    for name in names:
        at = trials[0]["curves"][name]["transitions"]
        returns = np.array([trial["curves"][name]["returns"] for trial in trials])
        for point, shown in enumerate(at):
            of_point = standings({name: returns[:, point]}, name)[0]
            curve_rows.append(
                {
                    "transitions": shown,
                    "return": round(of_point.mean, 4),
                    "low": round(of_point.mean - of_point.half_width, 4),
                    "high": round(of_point.mean + of_point.half_width, 4),
                    "line": name,
                }
            )
    last = max(row["transitions"] for row in curve_rows)
    peer_rows = [
        {"transitions": last, "return": round(level, 4), "line": name}
        for name in PEERS
        for level in [float(np.mean([trial["scores"][name]["returns"] for trial in trials]))]
    ]
    axis_x = alt.X("transitions:Q", title="videos shown in training")
    axis_y = alt.Y("return:Q", title="return of a session", scale=alt.Scale(zero=False))
    curves = alt.Chart(alt.InlineData(values=curve_rows), width=560, height=340)
    legend = alt.Legend(orient="bottom", columns=2, symbolOpacity=1, symbolType="stroke")
    color = alt.Color("line:N", title=None, sort=names, legend=legend)
    band = curves.mark_area(opacity=0.15).encode(axis_x, alt.Y("low:Q"), alt.Y2("high:Q"), color)
    line = curves.mark_line().encode(axis_x, axis_y, color)
    peers = alt.Chart(alt.InlineData(values=peer_rows))
    levels = peers.mark_rule(strokeDash=[4, 3], color="#777").encode(axis_y)
    labels = peers.mark_text(align="left", dx=5, color="#555").encode(axis_x, axis_y, alt.Text("line:N"))
    return alt.layer(band, line, levels, labels)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2] if len(sys.argv) > 2 else "docs/images"))
