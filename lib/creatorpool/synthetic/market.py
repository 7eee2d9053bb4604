"""Parameters of a synthetic market: sizes, shares and the seed."""

from __future__ import annotations

from dataclasses import dataclass, field

from creatorpool.errors import InputError

TOXIC_VIDEO = "video-toxic-viral"
EDUCATIONAL_VIDEO = "video-educational"

ALL_TABLES = ("events", "viewers", "videos", "ad_revenue", "entrants")

_REVENUE = {"education": 900, "comedy": 2_100, "music": 1_600, "gaming": 2_600, "news": 1_200, "sports": 1_900}


@dataclass(frozen=True)
class SyntheticMarket:
    """Parameters that, together with a date, determine every byte of a day.

    Sizes that are None follow from `n_events`. Shares are parts of the viewers (`verified_share`, `bot_share`), of the
    videos (`pulse_share`, `noncompliant_share`, `two_category_share`) or of the clean events (`dirty_share`, split over
    all kinds of broken rows; each kind occurs at least once unless the share is 0).

    Raises
    ------
    InputError
        If a size or a share is out of range, or there are fewer than two categories.
    """

    seed: int = 7
    n_events: int = 100_000
    n_viewers: int | None = None
    n_videos: int | None = None
    n_creators: int | None = None
    n_entrants: int = 0
    verified_share: float = 0.6
    bot_share: float = 0.03
    pulse_share: float = 0.03
    noncompliant_share: float = 0.02
    two_category_share: float = 0.25
    dirty_share: float = 0.001
    revenue_micros_per_event: dict[str, int] = field(default_factory=lambda: dict(_REVENUE))
    """advertisers' payment per event on the platform, by category; its keys are the list of categories"""

    def __post_init__(self) -> None:
        for name, least in (
            ("n_events", 100),
            ("n_viewers", 20),
            ("n_videos", 20),
            ("n_creators", 5),
            ("n_entrants", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise InputError(f"{name} must be at least {least}, got {value}")
        shares = (
            "verified_share",
            "bot_share",
            "pulse_share",
            "noncompliant_share",
            "two_category_share",
            "dirty_share",
        )
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} must lie in [0, 1], got {getattr(self, name)}")
        if len(self.revenue_micros_per_event) < 2:
            raise InputError(
                f"revenue_micros_per_event must have at least two categories, got {self.revenue_micros_per_event}"
            )

    @property
    def viewers(self) -> int:
        """Number of viewers."""
        return self.n_viewers or min(2_000_000, max(200, self.n_events // 10))

    @property
    def videos(self) -> int:
        """Number of videos, including the two with fixed ids, without entrants' videos."""
        return self.n_videos or min(200_000, max(60, self.n_events // 100))

    @property
    def creators(self) -> int:
        """Number of creators of these videos."""
        return self.n_creators or max(15, self.videos // 8)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the categories, in a fixed order."""
        return tuple(sorted(self.revenue_micros_per_event))
