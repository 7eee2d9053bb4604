"""Events to neighbours and candidates on the engine, against the mathematics on the whole matrix and brute force."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession
from scipy import sparse
from tests.cohorts.markets import frame
from tests.recommend.frames.markets import SmallMarket, draw_market, event_rows, video_rows, viewer_rows

from creatorpool.errors import ConfigurationError, InputError
from creatorpool.recommend import (
    Catalogue,
    ScoreWeights,
    category_counts,
    interaction_matrix,
    interest_prior,
    interest_rates,
    rank_candidates,
    region_sums,
    top_interests,
    top_similar,
)
from creatorpool.recommend.frames.build import MatrixParcels, matrix_parcels
from creatorpool.recommend.frames.matrix import viewer_parcels
from creatorpool.recommend.frames.parcels import unpacked
from creatorpool.recommend.frames.scored import catalogue_rows, scored_events
from creatorpool.settings import RecommendSettings, Settings

DAY = date(2026, 11, 20)
MARKET = draw_market([DAY])
Frames = dict[str, DataFrame]


@pytest.fixture(scope="module")
def frames(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Frames:
    folder = tmp_path_factory.mktemp("rows")
    tables = {"events": event_rows(MARKET), "viewers": viewer_rows(MARKET), "videos": video_rows(MARKET)}
    return {name: frame(spark, table, folder, name) for name, table in tables.items()}


@pytest.fixture(scope="module")
def chosen(configuration: Settings) -> RecommendSettings:
    weights = configuration.recommend.weights.model_copy(update={"views": 0.01})
    changes = {"neighbours": 6, "candidates": 5, "pool": 8, "weights": weights, "include_inactive": True}
    return configuration.recommend.model_copy(update=changes)


def parcels(frames: Frames, configuration: Settings, chosen: RecommendSettings, tasks: int = 3):
    engine = configuration.engine.model_copy(update={"matrix_tasks": tasks})
    settings = configuration.model_copy(update={"recommend": chosen, "engine": engine})
    return matrix_parcels(frames["events"], frames["viewers"], frames["videos"], settings)


def rows(found: DataFrame, *key: str) -> pa.Table:
    return found.toArrow().sort_by([(name, "ascending") for name in key])


def both(built: MatrixParcels) -> tuple[pa.Table, pa.Table]:
    return (
        rows(built.similarity(), "video_id", "rank"),
        rows(built.candidates(), "viewer_id", "rank"),
    )


@pytest.fixture(scope="module")
def built(frames: Frames, configuration: Settings, chosen: RecommendSettings) -> tuple[pa.Table, pa.Table]:
    with parcels(frames, configuration, chosen) as made:
        return both(made)


def known_videos(market: SmallMarket) -> np.ndarray:
    """Positions of the videos with an event, in order."""
    return np.unique(market.video)


def whole_matrix(market: SmallMarket) -> sparse.csr_matrix:
    place = np.searchsorted(known_videos(market), market.video)
    return interaction_matrix(
        place, market.viewer, market.action, shape=(known_videos(market).size, len(market.region))
    )


def test_neighbours_are_those_of_the_dense_cosine(built: tuple[pa.Table, pa.Table]) -> None:
    videos, dense = known_videos(MARKET), whole_matrix(MARKET).toarray()
    norm = np.linalg.norm(dense, axis=1)
    cosine = dense @ dense.T / np.outer(norm, norm)
    np.fill_diagonal(cosine, -1.0)
    found = built[0].to_pylist()
    place = {f"video-{number:03d}": position for position, number in enumerate(videos.tolist())}

    assert [row["rank"] for row in found if row["video_id"] == "video-000"] == list(range(1, 7))
    for row in found:
        own = cosine[place[row["video_id"]]]
        assert row["similarity"] == pytest.approx(own[place[row["neighbour_id"]]], rel=1e-12)
        assert row["similarity"] == pytest.approx(np.sort(own)[::-1][row["rank"] - 1], rel=1e-12)
    assert len(found) == np.minimum((cosine > 1e-12).sum(axis=1), 6).sum()


def test_candidates_equal_those_of_the_whole_matrix_to_the_last_bit(
    built: tuple[pa.Table, pa.Table], chosen: RecommendSettings
) -> None:
    videos, matrix = known_videos(MARKET), whole_matrix(MARKET)
    names = sorted({name for video in videos for name in MARKET.categories[video]})
    member = np.array([[name in MARKET.categories[video] for name in names] for video in videos], dtype=float)
    views = np.bincount(MARKET.video, minlength=30)[videos]  # every event lasted longer than a millisecond
    catalogue = Catalogue(views, MARKET.is_compliant[videos], sparse.csr_matrix(member))
    regions = ["east", "mid", "west"]
    region = np.array([-1 if name is None else regions.index(name) for name in MARKET.region])
    counts = category_counts(matrix.T, catalogue.categories)
    prior = interest_prior(region_sums(counts, region, 3))
    wanted = top_interests(interest_rates(counts, region, prior), 2)
    expected = rank_candidates(
        matrix.T, top_similar(matrix, 6), catalogue, wanted, ScoreWeights(1.0, 0.01, 0.5), limit=5, pool=8
    )
    user, place = np.nonzero(expected.item >= 0)
    item = expected.item[user, place]

    assert built[1].to_pydict() == {
        "viewer_id": [f"viewer-{number:03d}" for number in user.tolist()],
        "rank": (place + 1).tolist(),
        "video_id": [f"video-{number:03d}" for number in videos[item].tolist()],
        "final_score": expected.final_score[user, place].tolist(),
        "similarity_score": expected.similarity_score[user, place].tolist(),
        "views": views[item].tolist(),
        "is_interest": expected.is_interest[user, place].tolist(),
    }
    assert user.max() == 39  # the viewer without events
    assert 2 not in videos[item]  # the video that is not compliant


@pytest.mark.once  # Spark's rows are those of the whole matrix: the test above
@pytest.mark.parametrize("tasks", [1, 5])
def test_rows_do_not_depend_on_tasks_partitions_or_order(
    frames: Frames, configuration: Settings, chosen: RecommendSettings, built: tuple[pa.Table, pa.Table], tasks: int
) -> None:
    shuffled = {
        name: rows.repartition(tasks + 1).orderBy(rows.columns[0], ascending=False) for name, rows in frames.items()
    }

    with parcels(shuffled, configuration, chosen, tasks) as made:
        assert both(made) == built


@pytest.mark.once
def test_viewers_without_events_and_with_too_many(
    frames: Frames, configuration: Settings, chosen: RecommendSettings, built: tuple[pa.Table, pa.Table]
) -> None:
    most = int(np.sort(np.diff(whole_matrix(MARKET).tocsc().indptr))[-8])
    strict = chosen.model_copy(update={"include_inactive": False, "max_videos_per_viewer": most})
    matrix = whole_matrix(MARKET)
    left = matrix[:, np.diff(matrix.tocsc().indptr) <= most]
    assert left.shape[1] < matrix.shape[1]
    index = top_similar(left, 6).index
    expected = known_videos(MARKET)[index[index >= 0]]

    with parcels(frames, configuration, strict) as made:
        similarity, candidates = both(made)

    assert similarity["neighbour_id"].to_pylist() == [f"video-{number:03d}" for number in expected.tolist()]
    viewers = set(candidates["viewer_id"].to_pylist())
    assert viewers == set(built[1]["viewer_id"].to_pylist()) - {"viewer-039"}


def test_events_are_scored_by_the_first_rule_that_holds(spark: SparkSession, configuration: Settings) -> None:
    events = [
        ("both", "v", 20_000, True),  # the rule `liked` comes first
        ("half", "v", 10_000, False),
        ("short", "v", 2_999, False),
        ("between", "v", 3_000, False),
        ("null", "v", 15_000, None),  # a rule that gives null does not hold
        ("stranger", "unknown", 20_000, True),
    ]
    videos = [("v", 20_000, True, ["tech"])]
    logged = spark.createDataFrame(events, "viewer_id string, video_id string, watch_ms bigint, liked boolean")
    known = spark.createDataFrame(
        videos, "video_id string, length_ms bigint, is_compliant boolean, categories array<string>"
    )
    rule = configuration.signals.qualified_view.model_copy(update={"min_share": 0.5})

    catalogue = catalogue_rows(logged, known, rule)

    scored = scored_events(logged, catalogue, configuration.recommend).collect()
    assert {row["viewer_id"]: row["score"] for row in scored} == {
        "both": 2.0,
        "half": 1.0,
        "short": -2.0,
        "between": -0.5,
        "null": 1.0,
    }
    assert [(row["video_id"], row["code"], row["views"]) for row in catalogue.collect()] == [("v", 0, 3)]


@pytest.mark.parametrize("name", ["liked", "watched", "skipped"])
def test_rule_that_cannot_be_computed_is_refused_with_its_key(
    frames: Frames, configuration: Settings, chosen: RecommendSettings, name: str
) -> None:
    rules = chosen.interactions.model_copy(update={name: "no_such_column > 1"})
    wrong = chosen.model_copy(update={"interactions": rules})

    with (
        pytest.raises(ConfigurationError, match=rf"recommend\.interactions\.{name}: cannot compute a boolean"),
        parcels(frames, configuration, wrong),
    ):
        pass


def test_window_without_an_event_of_a_known_video_is_refused(
    frames: Frames, configuration: Settings, chosen: RecommendSettings
) -> None:
    unknown = frames | {"videos": frames["videos"].where("video_id = 'video-029'")}
    with pytest.raises(InputError, match="no event of the window"), parcels(unknown, configuration, chosen):
        pass


@pytest.mark.once
def test_parcels_hold_each_viewer_once_with_the_region(frames: Frames, configuration: Settings) -> None:
    catalogue = catalogue_rows(frames["events"], frames["videos"], configuration.signals.qualified_view)
    scored = scored_events(frames["events"], catalogue, configuration.recommend)
    made = viewer_parcels(scored, frames["viewers"], include_inactive=True, tasks=2).toArrow()
    tables = [unpacked(payload) for payload in made["payload"]]

    found = {row["viewer_id"]: row for table in tables for row in table.to_pylist()}
    assert sum(table.num_rows for table in tables) == len(found) == 40
    assert [found[viewer]["region"] for viewer in MARKET.viewer_ids] == MARKET.region
    matrix = whole_matrix(MARKET).tocsc()
    for number, viewer in enumerate(MARKET.viewer_ids):
        own = slice(matrix.indptr[number], matrix.indptr[number + 1])
        assert found[viewer]["codes"] == matrix.indices[own].tolist()
        assert found[viewer]["scores"] == matrix.data[own].tolist()
