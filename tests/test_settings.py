"""The configuration refuses unknown keys and invalid values, and names their place."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.checkout import project_root

from creatorpool.errors import ConfigurationError
from creatorpool.settings import ENTRY_MAPS, Settings, load_settings, overlaid

CONF = project_root() / "conf"


def overlay(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "overlay.yaml"
    path.write_text(text)
    return path


def test_load_settings_gives_the_documented_defaults() -> None:
    settings = load_settings()

    assert settings.signals.tiers == {"verified": 1.0, "unverified": 0.8}
    assert settings.signals.action_weights.model_dump() == {"like": 0.1, "comment": 0.2, "share": 0.4, "follow": 0.3}
    assert settings.signals.exponents() == {
        "watch_completion": 0.35,
        "engagement_rate": 0.25,
        "engagement_diversity": 0.15,
        "rewatch": 0.10,
        "safety": 0.15,
    }
    assert settings.quality.smoothing == "none"
    assert (settings.allocation.alpha, settings.allocation.lambda_eff) == (0.5, 0.3)
    assert settings.allocation.objective == "linear"
    assert settings.allocation.bounds("anything") == (0, None)


def test_load_settings_applies_overlays_in_order_then_assignments(tmp_path: Path) -> None:
    first = overlay(tmp_path, "allocation: {alpha: 0.7, lambda_eff: 0.1}\n")
    second = tmp_path / "second.yaml"
    second.write_text("allocation: {alpha: 0.9, categories: {music: {cap_micros: 7}}}\n")

    settings = load_settings([first, second], ["allocation.alpha=0.25", "allocation.floor_micros=3"])

    assert (settings.allocation.alpha, settings.allocation.lambda_eff) == (0.25, 0.1)
    assert settings.allocation.bounds("music") == (3, 7)
    assert settings.allocation.bounds("gaming") == (3, None)


def test_load_settings_accepts_whole_numbers_for_shares() -> None:
    assert load_settings(assignments=["allocation.lambda_eff=1"]).allocation.lambda_eff == 1.0


@pytest.mark.parametrize("overlay", sorted({path.name for path in CONF.glob("*.yaml")} - {"base.yaml", "signals.yaml"}))
def test_every_overlay_of_the_repository_loads(overlay: str) -> None:
    assert load_settings([CONF / overlay]) != load_settings()


@pytest.mark.parametrize("overlay", ["local.yaml", "cluster.yaml"])
def test_overlays_for_an_environment_change_the_engine_only(overlay: str) -> None:
    assert load_settings([CONF / overlay]).sha256() == load_settings().sha256()


def test_recommended_overlay_loads() -> None:
    recommended = load_settings([CONF / "recommended.yaml"])

    assert recommended.quality.smoothing == "empirical_bayes"
    assert recommended.allocation.objective == "log"
    assert recommended.signals.max_daily_views_per_viewer is not None


BAD_OVERLAYS = [
    ("allocation:\n  alhpa: 0.5\n", r"overlay.yaml:2: unknown key 'allocation.alhpa'"),
    ("allocations:\n  alpha: 0.5\n", r"overlay.yaml:1: unknown key 'allocations'"),
    ("allocation:\n  alpha: 1.5\n", r"overlay.yaml:2: allocation.alpha: .* less than or equal to 1, got 1.5"),
    ("allocation:\n  alpha: .nan\n", r"overlay.yaml:2: allocation.alpha"),
    ("allocation:\n  lambda_eff: -0.1\n", r"allocation.lambda_eff: .* greater than or equal to 0"),
    ("allocation:\n  objective: cubic\n", r"allocation.objective: .*'linear' or 'log'"),
    ("allocation: {floor_micros: 9, cap_micros: 5}\n", r"floor 9 is above cap 5"),
    ("signals:\n  action_weights: {like: 0.5}\n", r"signals.action_weights must sum to 1, got 1.4"),
    ("signals:\n  component_weights: {safety: 0}\n", r"signals.component_weights must sum to 1, got 0.85"),
    ("signals:\n  tiers: {verified: 0.8}\n", r"verified must weigh more than unverified"),
    ("signals:\n  tiers: {bot: 0}\n", r"signals.tiers.bot: .* greater than 0"),
    ("signals:\n  custom: {x: {expression: '1', weight: 0.1, range: [1, 0]}}\n", r"range must be \[lower, upper\]"),
    ("signals: {custom: {x: {expression: '1', weight: 0.6, range: [0, 1]}, y: {expression: '1', weight: 0.6, "
     "range: [0, 1]}}}\n", r"the weights must sum to less than 1"),
    ("signals:\n  custom: {x: {expression: '1', weight: 0.1, range: [0, .inf]}}\n", r"range.1: .* finite number"),
    ("signals:\n  custom: {x: {expression: '1', weight: 0.1, range: [no, 1]}}\n", r"range.0: .* number, got False"),
    ("allocation:\n  lambda_eff: no\n", r"overlay.yaml:2: allocation.lambda_eff: .* valid number, got False"),
    ("allocation:\n  floor_micros: yes\n", r"overlay.yaml:2: allocation.floor_micros: .* valid integer, got True"),
    ("allocation:\n  floor_micros: 1.0\n", r"allocation.floor_micros: .* valid integer, got 1.0"),
    ("allocation:\n  alpha: '0.5'\n", r"allocation.alpha: .* valid number, got '0.5'"),
    ("contracts: {data_docs: 1}\n", r"contracts.data_docs: .* valid boolean, got 1"),
    ("quality: {smoothing: strong}\n", r"quality.smoothing"),
    ("allocation: [1]\n", r"allocation"),
    ("allocation: {alpha: 0.5\n", r"overlay.yaml:\d+: not valid YAML"),
    ("- a\n", r"overlay.yaml:1: a configuration file must hold keys"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD_OVERLAYS)
def test_load_settings_of_a_bad_overlay_names_place_and_value(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message) as caught:
        load_settings([overlay(tmp_path, text)])
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("assignment", "suggested"),
    [
        ("allocation.alhpa=0.5", "'allocation.alpha'"),
        ("alocation.alpha=0.5", "'allocation'"),
        ("alpha=0.5", "'allocation.alpha' or 'frontier.alpha' or 'integrity.alpha'"),
        ("moved_share_warning=0.5", "'allocation.moved_share_warning'"),
        ("signals.component_weight.safety=0.5", "'signals.component_weights'"),
        ("signals.custom.own.weigth=0.5", "'signals.custom.own.weight'"),
        ("allocation.categories.music.cap_micro=5", "'allocation.categories.music.cap_micros'"),
        ("incentives.segments.new.kappa=5", "'incentives.segments.new.cost_kappa'"),
    ],
)
def test_load_settings_suggests_the_key_that_a_misspelt_one_may_stand_for(assignment: str, suggested: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"--set {assignment}: unknown key .*: did you mean {suggested}\?"):
        load_settings(assignments=[assignment])


def test_load_settings_suggests_nothing_for_a_key_like_no_other() -> None:
    with pytest.raises(ConfigurationError, match=r"unknown key 'zzz'$"):
        load_settings(assignments=["zzz=1"])


@pytest.mark.parametrize("assignment", ["allocation.alpha", "=1", "allocation..alpha=1", "allocation.alpha={", "x=1"])
def test_load_settings_of_a_bad_assignment_names_it(assignment: str) -> None:
    with pytest.raises(ConfigurationError, match=r"--set|unknown key 'x'"):
        load_settings(assignments=[assignment])


def test_load_settings_without_a_default_names_the_missing_key(tmp_path: Path) -> None:
    base = (CONF / "base.yaml").read_text()
    (tmp_path / "base.yaml").write_text("\n".join(line for line in base.splitlines() if "alpha:" not in line))
    (tmp_path / "signals.yaml").write_text("signals: {custom: {}}\n")

    with pytest.raises(ConfigurationError, match=r"base.yaml:\d+: key 'allocation.alpha' is missing"):
        load_settings(conf=tmp_path)


def test_load_settings_of_a_missing_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.yaml"):
        load_settings([tmp_path / "nowhere.yaml"])


def test_sha256_changes_with_settings_of_results_and_not_with_the_engine() -> None:
    def fingerprint(*assignments: str, sections: tuple[str, ...] = ()) -> str:
        return load_settings(assignments=assignments).sha256(*sections)

    assert fingerprint() == fingerprint("engine.shuffle_partitions=3")
    assert fingerprint() != fingerprint("allocation.alpha=0.6")
    assert fingerprint(sections=("signals",)) == fingerprint("allocation.alpha=0.6", sections=("signals",))


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().allocation.alpha = 0.1
    assert isinstance(load_settings(), Settings)


SIGNAL = "signals: {custom: {finish: {expression: 'liked', weight: 0.1, range: [0, 1]}}}\n"


def test_null_in_an_overlay_removes_an_entry_and_is_a_value_elsewhere(tmp_path: Path) -> None:
    first = overlay(tmp_path, SIGNAL + "allocation: {categories: {music: {cap_micros: 7}}, creator_caps: {gold: 5}}\n")
    second = tmp_path / "second.yaml"
    second.write_text("signals: {custom: {finish: null}}\nallocation: {categories: {music: {cap_micros: null}}}\n")

    settings = load_settings([first, second], ["signals.tiers.gold=2.0", "signals.tiers.gold=null"])

    assert settings.signals == load_settings().signals
    assert settings.allocation.bounds("music") == (0, None)
    assert load_settings([first], ["allocation.creator_caps=null"]).allocation.creator_caps is None
    assert load_settings([first], ["allocation.creator_caps.gold=null"]).allocation.creator_caps == {}


def test_null_for_an_entry_that_is_not_there_names_the_line_and_the_entries(tmp_path: Path) -> None:
    added = overlay(tmp_path, SIGNAL)
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("signals:\n  custom:\n    finsh: null\n")

    with pytest.raises(ConfigurationError) as caught:
        load_settings([added, wrong])

    assert f"{wrong}:3: null removes an entry, but there is no signals.custom.finsh" in str(caught.value)
    assert "the entries are ['finish']" in str(caught.value)
    with pytest.raises(ConfigurationError, match=r"--set signals\.custom\.finsh=null: null removes an entry"):
        load_settings([added], ["signals.custom.finsh=null"])


def test_entries_that_null_removes_are_those_of_maps_that_users_fill() -> None:
    assert {".".join(map(str, place)) for place in ENTRY_MAPS} == {
        *("engine.spark", "signals.tiers", "signals.custom", "allocation.categories", "allocation.creator_caps"),
        *("integrity.fake_viewer_cost_micros", "incentives.segments"),
    }


def test_settings_without_a_signal_keep_the_proportions_of_the_others(tmp_path: Path) -> None:
    settings = load_settings([overlay(tmp_path, SIGNAL)])

    assert settings.without("finish") == load_settings()
    without_safety = settings.without("safety").signals.exponents()
    assert without_safety["safety"] == 0.0
    assert without_safety["finish"] == 0.1
    assert without_safety["watch_completion"] == pytest.approx(0.9 * 0.35 / 0.85)
    assert sum(without_safety.values()) == pytest.approx(1.0)
    with pytest.raises(ConfigurationError, match=r"there is no signal 'finsh'; the signals are .*'safety', 'finish'"):
        settings.without("finsh")
    weights = "{watch_completion: 1, engagement_rate: 0, engagement_diversity: 0, rewatch: 0, safety: 0}"
    with pytest.raises(ConfigurationError, match="without signal 'watch_completion' no published component"):
        load_settings(assignments=[f"signals.component_weights={weights}"]).without("watch_completion")


def test_overlaid_settings_are_those_of_the_same_overlays_from_the_start(tmp_path: Path) -> None:
    first, second = overlay(tmp_path, SIGNAL), CONF / "recommended.yaml"

    changed = overlaid(load_settings([first]), [second], ["allocation.alpha=0.7"])

    assert changed == load_settings([first, second], ["allocation.alpha=0.7"])
    with pytest.raises(ConfigurationError, match=r"--set allocation\.alfa=0\.7: unknown key"):
        overlaid(changed, (), ["allocation.alfa=0.7"])
