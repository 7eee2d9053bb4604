"""The settings in which two configurations differ, key by key."""

from __future__ import annotations

import json

from creatorpool.setting_changes import SettingChange, changes_since, setting_changes
from creatorpool.settings import load_settings

SIGNAL = "signals.custom.finish={expression: liked, weight: 0.1, range: [0, 1]}"


def test_changes_name_each_key_in_the_configurations_order_and_only_of_the_sections_asked_for() -> None:
    changed = load_settings(
        assignments=["allocation.objective=log", "signals.max_daily_views_per_viewer=5", "pools.platform_share=0.4"]
    )

    changes = setting_changes(load_settings(), changed, ("signals", "allocation"))

    assert changes == [
        SettingChange("signals.max_daily_views_per_viewer", "null", "5"),
        SettingChange("allocation.objective", "linear", "log"),
    ]
    assert str(changes[1]) == "allocation.objective linear → log"


def test_an_entry_of_one_side_is_one_change_and_a_changed_entry_names_its_key() -> None:
    base, added = load_settings(), load_settings(assignments=[SIGNAL])
    heavier = load_settings(assignments=[SIGNAL, "signals.custom.finish.weight=0.2"])

    assert setting_changes(base, added, ["signals"]) == [SettingChange("signals.custom.finish", "absent", "present")]
    assert setting_changes(added, base, ["signals"]) == [SettingChange("signals.custom.finish", "present", "absent")]
    assert setting_changes(added, heavier, ["signals"]) == [SettingChange("signals.custom.finish.weight", "0.1", "0.2")]
    assert setting_changes(added, added, ["signals", "quality"]) == []


def test_changes_since_a_ledger_leave_out_keys_of_other_versions() -> None:
    kept = json.loads(load_settings(assignments=["ingest.day_timezone=Asia/Jakarta"]).as_json("ingest"))
    kept["ingest"]["key_of_another_version"] = 1
    del kept["ingest"]["max_row_keys"]

    changes = changes_since(json.dumps(kept), load_settings(assignments=["ingest.max_row_keys=7"]))

    assert [str(change) for change in changes] == ["ingest.day_timezone Asia/Jakarta → UTC"]
