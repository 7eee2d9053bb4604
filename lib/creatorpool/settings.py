"""The configuration: typed, frozen, read once from conf/*.yaml, overlays and `--set`.

conf/base.yaml is the only source of defaults. The classes below have none, so that a key that is missing there is an
error, and a reader finds every default in one file.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Hashable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, get_args, get_origin
from zoneinfo import available_timezones

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    create_model,
    field_validator,
    model_validator,
)

from creatorpool.actions import ACTION_NAMES
from creatorpool.contracts.source import CONFIGURATION, read_source
from creatorpool.errors import ConfigurationError
from creatorpool.project import conf_directory
from creatorpool.quality_components import COMPONENT_NAMES
from creatorpool.spelling import did_you_mean, suggestion

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Amount = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Micros = Annotated[int, Field(ge=0, le=10**15)]

SUM_TOLERANCE = 1e-9
"""Weights that are written as decimals must sum to 1 within this."""

LONGEST_LATE_WINDOW = 30
"""The most that `ingest.late_window_days` may be"""

_ANY_NAME = "*"
_ASSIGNED = "--set "

Place = tuple[Hashable, ...]
Places = dict[Place, str]
"""Where each key was set last: the file and line, or the assignment"""

SECRET = re.compile(r"secret|passw|token|access[._-]?key|account[._-]?key|api[._-]?key", re.IGNORECASE)
"""Names of Spark settings that hold credentials."""

_OF_THE_MACHINE = ("localtime", "Factory")
"""Names in the time zone database that are no places"""


class _Origins(dict[str, str]):
    """Where the fields of a section were set. Sections with equal values are equal, wherever these were set."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Origins)

    __hash__ = None


class Section(BaseModel):
    """A part of the configuration. It refuses unknown keys, and its values never change.

    It is strict because YAML reads `no` as a boolean, which must not count as the number 0.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    _origins: _Origins = PrivateAttr(default_factory=_Origins)

    def with_origin(self, field: str, key: str) -> str:
        """`key`, which stands for `field`, after ``file:line`` or ``--set`` if it is known where it was set."""
        origin = self._origins.get(field, "")
        if origin.startswith(_ASSIGNED):
            return f"{_ASSIGNED}{key}"  # the message has the value already
        return f"{origin}: {key}" if origin else key

    def note_origins(self, places: Places, at: Place = ()) -> None:
        """Keep where the fields of this section, which is at `at`, and those of its sections were set."""
        for field in type(self).model_fields:
            value = getattr(self, field)
            if found := _nearest((*at, field), places):
                self._origins[field] = found
            entries: dict[Place, Any] = {(field,): value}
            entries |= {(field, name): entry for name, entry in value.items()} if isinstance(value, dict) else {}
            for place, entry in entries.items():
                if isinstance(entry, Section):
                    entry.note_origins(places, (*at, *place))


class EngineSettings(Section):
    name: str = Field(pattern=r"^(embedded|spark|sc://.+)$")
    memory_share: float = Field(gt=0, le=0.9)
    driver_memory: str = Field(pattern=r"^\d+[gm]$")
    shuffle_partitions: int = Field(ge=1)
    matrix_tasks: int = Field(ge=1, le=10_000)
    spark: dict[str, str]

    @field_validator("spark", mode="before")
    @classmethod
    def _no_secrets(cls, value: Any) -> Any:
        secret = sorted(key for key in value if SECRET.search(str(key))) if isinstance(value, dict) else []
        if secret:
            raise ValueError(
                f"the configuration must not contain secrets, got {secret}: set them in the cluster's own defaults or "
                f"in the environment"
            )
        return value


class IngestSettings(Section):
    source: str | None
    format: str = Field(min_length=1)
    day_timezone: str
    late_window_days: int = Field(ge=0, le=LONGEST_LATE_WINDOW)
    hash_viewer_ids: bool
    max_quarantined_share: Share
    max_row_bytes: int = Field(ge=100, le=1 << 30)
    max_row_keys: int = Field(ge=1, le=10**6)
    max_header_bytes: int = Field(ge=100, le=1 << 20)
    max_file_bytes: int = Field(ge=1000)

    @field_validator("day_timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        if value not in available_timezones() or value in _OF_THE_MACHINE:
            raise ValueError(f"'{value}' is no time zone: write an IANA name such as Europe/Berlin, or UTC")
        return value


class Weights(Section):
    """Weights in [0, 1] for the names of a list; `model_dump` returns them by name, in the order of the list."""


if TYPE_CHECKING:
    ActionWeights = Weights
    ComponentWeights = Weights
else:
    ActionWeights = create_model("ActionWeights", __base__=Weights, **dict.fromkeys(ACTION_NAMES, (Weight, ...)))
    ComponentWeights = create_model(
        "ComponentWeights", __base__=Weights, **dict.fromkeys(COMPONENT_NAMES, (Weight, ...))
    )


class QualifiedView(Section):
    min_watch_ms: int = Field(ge=0)
    min_share: Share


class CustomSignal(Section):
    """A signal of conf/signals.yaml: an SQL expression over one viewer–video row, its weight and its range."""

    expression: str = Field(min_length=1)
    weight: float = Field(ge=0, lt=1)
    range: Annotated[tuple[Finite, Finite], Field(strict=False)]  # YAML has lists only

    @model_validator(mode="after")
    def _rising_range(self) -> Self:
        if not self.range[0] < self.range[1]:
            raise ValueError(f"range must be [lower, upper] with lower < upper, got {list(self.range)}")
        return self


class SignalSettings(Section):
    tiers: dict[str, Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)]]
    action_weights: ActionWeights
    component_weights: ComponentWeights
    toxicity_penalty: Share
    qualified_view: QualifiedView
    max_daily_views_per_viewer: Annotated[int, Field(ge=1)] | None
    custom: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], CustomSignal]

    @field_validator("action_weights", "component_weights")
    @classmethod
    def _sum_to_one(cls, value: Weights, info: ValidationInfo) -> Weights:
        weights = value.model_dump()
        total = sum(weights.values())
        if abs(total - 1) > SUM_TOLERANCE:
            raise ValueError(f"signals.{info.field_name} must sum to 1, got {total:.12g} from {weights}")
        return value

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("verified", "unverified"):
            if name not in self.tiers:
                raise ValueError(f"tiers must name '{name}', got {sorted(self.tiers)}")
        if not self.tiers["verified"] > self.tiers["unverified"]:
            raise ValueError(
                f"tiers: verified must weigh more than unverified, got {self.tiers['verified']} and "
                f"{self.tiers['unverified']}"
            )
        if (extra := sum(signal.weight for signal in self.custom.values())) >= 1:
            raise ValueError(
                f"custom: the weights must sum to less than 1, they sum to {extra}: the rest is the part of "
                f"the published components"
            )
        return self

    def exponents(self) -> dict[str, float]:
        """φ of every component, custom signals included; all sum to 1 (formulas §1.4).

        The published components share what the custom signals leave, in proportion to `component_weights`.
        """
        left = 1.0 - sum(signal.weight for signal in self.custom.values())
        published = {name: phi * left for name, phi in self.component_weights.model_dump().items()}
        return published | {name: signal.weight for name, signal in sorted(self.custom.items())}

    def without(self, name: str) -> SignalSettings:
        """These settings without the signal `name`; the others keep the proportions of their exponents.

        Raises
        ------
        ConfigurationError
            If there is no such signal, or no other one has a weight.
        """
        if name in self.custom:
            return self.model_copy(update={"custom": {key: own for key, own in self.custom.items() if key != name}})
        weights = self.component_weights.model_dump()
        if name not in weights:
            raise ConfigurationError(f"there is no signal '{name}'; the signals are {[*weights, *sorted(self.custom)]}")
        left = sum(phi for key, phi in weights.items() if key != name)
        if left == 0:
            raise ConfigurationError(f"without signal '{name}' no published component has a weight")
        others = {key: 0.0 if key == name else phi / left for key, phi in weights.items()}
        return self.model_copy(update={"component_weights": self.component_weights.model_copy(update=others)})


class QualitySettings(Section):
    smoothing: Literal["none", "empirical_bayes"]

    @property
    def is_smoothed(self) -> bool:
        """Whether rates and custom signals shrink to the mean of their category."""
        return self.smoothing == "empirical_bayes"


class PoolSettings(Section):
    platform_share: Share
    pulse_creator_share: Share
    pulse_videos_join_pools: bool


class CategoryBounds(Section):
    floor_micros: Micros | None = None
    cap_micros: Micros | None = None


class AllocationSettings(Section):
    alpha: float = Field(gt=0, le=1)
    lambda_eff: Share
    objective: Literal["linear", "log"]
    floor_micros: Micros | None
    cap_micros: Micros | None
    categories: dict[str, CategoryBounds]
    creator_caps: dict[Annotated[str, Field(min_length=1)], Micros] | None
    on_floors_exceed_pool: Literal["fail", "scale"]
    on_caps_below_pool: Literal["fail", "carry"]
    moved_share_warning: Share

    @model_validator(mode="after")
    def _floors_below_caps(self) -> Self:
        for category in ("", *self.categories):
            floor, cap = self.bounds(category)
            if cap is not None and floor > cap:
                raise ValueError(f"{category or 'any category'}: floor {floor} is above cap {cap}")
            for level, most in (self.creator_caps or {}).items():
                if floor > most:
                    place = f"{category or 'any category'}: floor {floor} of one video"
                    raise ValueError(f"{place} is above creator_caps.{level}, {most}")
        return self

    def bounds(self, category: str) -> tuple[int, int | None]:
        """(floor, cap) of one video in `category`'s pool, micros; None means no cap."""
        own = self.categories.get(category, CategoryBounds())
        floor = self.floor_micros if own.floor_micros is None else own.floor_micros
        cap = self.cap_micros if own.cap_micros is None else own.cap_micros
        return floor or 0, cap


class FrontierSettings(Section):
    alpha: Annotated[list[Annotated[float, Field(gt=0, le=1)]], Field(min_length=1)]
    lambda_eff: Annotated[list[Share], Field(min_length=1)]
    small_creators: Share


class IntegritySettings(Section):
    fake_viewer_cost_micros: Annotated[dict[str, Micros], Field(min_length=1)]
    fake_viewers: Annotated[list[Annotated[int, Field(ge=1, le=10**9)]], Field(min_length=1)]
    replays: int = Field(ge=2, le=10**6)
    small_creator_quantile: Share
    most_exploitable: int = Field(ge=0, le=1000)
    unverified_weights: list[Annotated[float, Field(gt=0, allow_inf_nan=False)]]
    alpha: list[Annotated[float, Field(gt=0, le=1)]]
    cap_shares: list[Annotated[float, Field(gt=0, le=1)]]


class SegmentIncentives(Section):
    current_bounty: Amount | None = None
    cost_kappa: Positive | None = None


class IncentiveSettings(Section):
    success: str = Field(min_length=1)
    delta: float = Field(gt=0, lt=1)
    horizon_days: int = Field(ge=1, le=3650)
    cohort_days: int = Field(ge=1, le=3650)
    bins: int = Field(ge=4, le=200)
    min_entrants: int = Field(ge=20)
    proxy_is_quality: bool
    confidence: float = Field(gt=0.5, lt=1)
    replicates: int = Field(ge=100, le=100_000)
    seed: int = Field(ge=0)
    slope_attenuation: float = Field(gt=0, le=1)
    replay_target: str = Field(min_length=1)
    current_bounty: Amount
    cost_kappa: Positive | None
    impressions_per_entrant: Amount | None
    cash_per_entrant: Amount | None
    segments: dict[str, SegmentIncentives]

    def bounty_of(self, segment: str) -> float:
        """B, the bounty that `segment`'s entrants were promised, in values of one success."""
        own = self.segments.get(segment, SegmentIncentives()).current_bounty
        return self.current_bounty if own is None else own

    def kappa_of(self, segment: str) -> float | None:
        """κ of `segment`'s cost κq²/2, or None if κ is to be derived from the measured quality."""
        own = self.segments.get(segment, SegmentIncentives()).cost_kappa
        return self.cost_kappa if own is None else own


class InteractionScores(Section):
    liked: Finite
    watched: Finite
    skipped: Finite
    other: Finite


class InteractionRules(Section):
    liked: str = Field(min_length=1)
    watched: str = Field(min_length=1)
    skipped: str = Field(min_length=1)


class FinalScoreWeights(Section):
    similarity: Finite
    views: Finite
    interest: Finite


class RecommendSettings(Section):
    window_days: int = Field(ge=1, le=3650)
    interactions: InteractionRules
    scores: InteractionScores
    neighbours: int = Field(ge=1, le=10_000)
    min_common_viewers: int = Field(ge=1)
    max_videos_per_viewer: int = Field(ge=1)
    interests: int = Field(ge=0)
    weights: FinalScoreWeights
    pool: int = Field(ge=1, le=100_000)
    candidates: int = Field(ge=1, le=10_000)
    include_inactive: bool

    def rules(self) -> dict[str, str]:
        """The rules of `interactions` by name; the first one that holds for an event counts."""
        return {name: getattr(self.interactions, name) for name in ("liked", "watched", "skipped")}


class DeliverySettings(Section):
    history_days: int = Field(ge=1, le=3650)
    held_out_days: int = Field(ge=0, le=365)
    min_points: int = Field(ge=4, le=1000)
    regularisation: Positive
    anchor: Literal["fitted", "observed"]
    fitted_days: Literal["increasing", "all"]
    confidence: float = Field(gt=0.5, lt=1)
    plan_contents: int = Field(ge=0, le=10_000)
    total_impressions: Amount | None
    variance_weight: Amount

    @model_validator(mode="after")
    def _days_left_to_fit(self) -> Self:
        if self.held_out_days >= self.history_days:
            raise ValueError(f"held_out_days must be less than history_days, {self.history_days}")
        return self


class ContractSettings(Section):
    data_docs: bool
    data_docs_days: int = Field(ge=1)


class ReportSettings(Section):
    coverage_loss_warning: Share


class RestateSettings(Section):
    policy: Literal["full", "claw_back", "hold_harmless"]
    goodwill_cap_micros: Micros


class SettlementSettings(Section):
    minimum_payment_micros: Micros
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None


class RunSettings(Section):
    lease_minutes: int = Field(ge=1)


class Settings(Section):
    """The whole configuration of one run."""

    engine: EngineSettings
    ingest: IngestSettings
    signals: SignalSettings
    quality: QualitySettings
    pools: PoolSettings
    allocation: AllocationSettings
    frontier: FrontierSettings
    integrity: IntegritySettings
    incentives: IncentiveSettings
    recommend: RecommendSettings
    delivery: DeliverySettings
    restate: RestateSettings
    settlement: SettlementSettings
    contracts: ContractSettings
    report: ReportSettings
    runs: RunSettings

    def sha256(self, *sections: str) -> str:
        """SHA-256 of the named sections; without names, of all but `engine`, on which no result depends."""
        return hashlib.sha256(self.as_json(*sections).encode()).hexdigest()

    def as_json(self, *sections: str) -> str:
        """The named sections (without names, all but `engine`) as JSON; the ledger keeps this text."""
        chosen = sections or tuple(name for name in type(self).model_fields if name != "engine")
        return json.dumps({name: getattr(self, name).model_dump(mode="json") for name in chosen}, sort_keys=True)

    def without(self, signal: str) -> Settings:
        """This configuration without one signal of the quality score; errors as `SignalSettings.without`."""
        return self.model_copy(update={"signals": self.signals.without(signal)})

    def with_sections(self, text: str) -> Settings:
        """This configuration with some sections replaced by those in `text`, which `as_json` wrote to a ledger.

        Raises
        ------
        ConfigurationError
            If `text` has a key that this version of the package does not know, or lacks one that it needs.
        """
        kept = {**self.model_dump(mode="json"), **json.loads(text)}
        try:
            return type(self).model_validate_json(json.dumps(kept))
        except ValidationError as error:
            raise ConfigurationError(
                f"the configuration in the ledger cannot be read: {_explain(error, {})}"
            ) from error


def _entry_maps(section: type[Section], place: tuple[str, ...] = ()) -> Iterator[tuple[Hashable, ...]]:
    """The places of the maps whose entries users name, such as ``signals.custom``."""
    for name, field in section.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if get_origin(kind) is dict:
                yield (*place, name)
            elif isinstance(kind, type) and issubclass(kind, Section):
                yield from _entry_maps(kind, (*place, name))


ENTRY_MAPS = frozenset(_entry_maps(Settings))
"""In these maps null removes an entry; everywhere else it is a value."""


def load_settings(overlays: Sequence[Path] = (), assignments: Sequence[str] = (), conf: Path | None = None) -> Settings:
    """Read base.yaml and signals.yaml, then apply `overlays` in order, then `assignments` (``dotted.key=value``).

    `conf` is the folder of the two files; None means that of the project.

    Raises
    ------
    ConfigurationError
        If a file is missing or not YAML, a key is unknown or missing, a value has the wrong type or is out of range, or
        null removes an entry that is not there; the message names the file and line, or the assignment.
    """
    directory = conf or conf_directory()
    files = (directory / "base.yaml", directory / "signals.yaml", *overlays)
    return _overlaid({}, files, assignments)


def overlaid(settings: Settings, overlays: Sequence[Path], assignments: Sequence[str]) -> Settings:
    """`settings` with `overlays` and then `assignments` applied; errors as in `load_settings`."""
    return _overlaid(settings.model_dump(mode="json"), overlays, assignments)


def _overlaid(merged: dict[str, Any], files: Sequence[Path], assignments: Sequence[str]) -> Settings:
    places: Places = {}
    for path in files:
        source = read_source(path, CONFIGURATION)
        places |= {place: f"{path}:{line}" for place, line in source.lines.items() if place}
        _merge(merged, source.data, places)
    for assignment in assignments:
        place, value = _parse_assignment(assignment)
        places[place] = f"{_ASSIGNED}{assignment}"
        for depth in range(1, len(place)):
            places.setdefault(place[:depth], f"{_ASSIGNED}{assignment}")
        _merge(merged, _nest(place, value), places)
    try:
        settings = Settings.model_validate(merged)
    except ValidationError as error:
        raise ConfigurationError(_explain(error, places)) from error
    settings.note_origins(places)
    return settings


def _merge(target: dict[str, Any], overlay: Mapping[str, Any], places: Places, at: tuple[Hashable, ...] = ()) -> None:
    for key, value in overlay.items():
        if value is None and at in ENTRY_MAPS:
            _remove(target, key, (*at, key), places)
        elif isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value, places, (*at, key))
        else:
            target[key] = value


def _remove(target: dict[str, Any], key: str, place: tuple[Hashable, ...], places: Places) -> None:
    if key not in target:
        raise ConfigurationError(
            f"{places[place]}: null removes an entry, but there is no {'.'.join(map(str, place))}; the entries are "
            f"{sorted(target)}"
        )
    del target[key]


def _parse_assignment(assignment: str) -> tuple[tuple[str, ...], Any]:
    dotted, equals, text = assignment.partition("=")
    if not equals or not all(dotted.split(".")):
        raise ConfigurationError(f"--set needs dotted.key=value, got '{assignment}'")
    try:
        return tuple(dotted.split(".")), yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"--set {assignment}: the value is not valid YAML") from error


def _nest(place: tuple[str, ...], value: Any) -> dict[str, Any]:
    for key in reversed(place):
        value = {key: value}
    nested: dict[str, Any] = value
    return nested


def _explain(error: ValidationError, places: Places) -> str:
    return "; ".join(_explain_one(dict(detail), places) for detail in error.errors())


def _explain_one(detail: dict[str, Any], places: Places) -> str:
    at: Place = tuple(part for part in detail["loc"] if part != "[key]")
    key = ".".join(map(str, at))
    closest = _closest_key(at) if detail["type"] == "extra_forbidden" else ""
    return fault_message(detail, _nearest(at, places) or "conf/base.yaml", key, closest)


def _nearest(place: Place, places: Places) -> str | None:
    """Where `place`, or the innermost entry around it that was set, was set."""
    while place and place not in places:
        place = place[:-1]
    return places.get(place)


def fault_message(detail: Mapping[str, Any], where: str, key: str, closest: str) -> str:
    """What pydantic's `detail` says is wrong with `key`, which stands at `where`; `closest` suggests a known key."""
    if detail["type"] == "extra_forbidden":
        return f"{where}: unknown key '{key}'{closest}"
    if detail["type"] == "missing":
        return f"{where}: key '{key}' is missing"
    if detail["type"] == "value_error":
        return f"{where}: {key}: {detail['msg'].removeprefix('Value error, ')}"
    return f"{where}: {key}: {_rule_of(detail)}, got {detail['input']!r}"


def _rule_of(detail: Mapping[str, Any]) -> str:
    if detail["type"] in ("model_type", "dict_type"):
        return "must be a section of keys"
    return str(detail["msg"]).replace("Input should be", "must be", 1)


def _closest_key(at: tuple[Hashable, ...]) -> str:
    """The end of a message: which known keys a misspelt or misplaced key may stand for."""
    key, name = ".".join(map(str, at)), str(at[-1])
    known = [".".join(_named(place, at)) for place in _known_places(Settings)]
    misplaced = [other for other in known if other.rpartition(".")[2] == name]
    return suggestion(misplaced) or did_you_mean(key, known)


def _named(place: tuple[str, ...], at: tuple[Hashable, ...]) -> list[str]:
    """`place` with the names that the user chose, such as that of a signal, where `at` has them."""
    chosen = [*map(str, at), *place[len(at) :]]
    return [chosen[depth] if part == _ANY_NAME else part for depth, part in enumerate(place)]


def _known_places(section: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of a section as a path; `_ANY_NAME` stands for names that the user chooses."""
    for name, field in section.model_fields.items():
        place = (*above, name)
        yield place
        for depth, inner in enumerate((field.annotation, *get_args(field.annotation))):
            if isinstance(inner, type) and issubclass(inner, Section):
                yield from _known_places(inner, place if depth == 0 else (*place, _ANY_NAME))
