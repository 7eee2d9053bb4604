"""The contracts have the tables, keys, columns and types that users are promised."""

from __future__ import annotations

import pytest

from creatorpool.actions import ACTION_FLAGS, ACTION_RATES
from creatorpool.contracts import Contract, load_contracts
from creatorpool.quality_components import COMPONENT_NAMES

CONTRACTS = load_contracts()
DAILY_INPUTS = ("events", "viewers", "videos", "ad_revenue", "entrants", "content_exposure", "drawer_positions")
SETTLEMENT_INPUTS = ("video_rights", "holds", "appeals", "invalid_viewers", "fx_rates")
INPUTS = (*DAILY_INPUTS, "delivery_guarantees", "creators", *SETTLEMENT_INPUTS)


def _each_with_interval(*names: str) -> str:
    return " ".join(f"{name} {name}_lo {name}_hi" for name in names)


COMPONENTS = " ".join(COMPONENT_NAMES)
PARTS = f"pool_size views {COMPONENTS} competition bounds"
PROMISED = {
    "events": f"date event_id | viewer_id video_id event_ts watch_ms loop_count? {' '.join(ACTION_FLAGS)} "
    "surface? test_slot? propensity?",
    "viewers": "viewer_id | trust_tier region? valid_from",
    "videos": "video_id | creator_id length_ms categories published_at is_compliant s_pos s_tox is_pulse",
    "creators": "creator_id | verification_level valid_from",
    "ad_revenue": "date category placement video_id? original_currency? | revenue_micros currency "
    "original_amount_micros? fx_rate?",
    "video_signals": f"date video_id | views viewers trust_weight {COMPONENTS} {' '.join(ACTION_RATES)}",
    "video_quality": f"date video_id | {COMPONENTS} raw_score quality_score is_compliant smoothing",
    "pool_revenue": "date category | gross_micros platform_share pool_micros currency refunds_micros? "
    "carried_in_micros? carried_micros? carried_from?",
    "pool_payouts": "date category video_id | creator_id effective_impressions share weight floor_micros cap_micros? "
    "payout_micros bound",
    "video_payouts": "date video_id | creator_id payout_micros pulse_micros total_micros currency",
    "creator_payouts": "date creator_id | payout_micros pulse_micros total_micros videos_paid currency",
    "allocation_runs": "date category run_id | status pool_micros paid_micros unallocated_micros videos_eligible "
    "videos_paid coverage? nu? iterations? max_kkt_residual? gini? top1pct_share? efficiency_moved_micros? alpha "
    "lambda_fair lambda_eff objective config_sha256 code_version input_versions output_versions? warning? currency "
    "started_at finished_at? seconds? config_json? carried_micros? carried_from?",
    "entrants": "creator_id | entered_at segment quality_proxy window_n threshold_k revenue_share",
    "cohort_incentives": "date segment | entrants certified induced_quality discounted_mass "
    + _each_with_interval("pass_rate", "pi_hat", "slope_hat", "slope_influence", "leverage", "elasticity")
    + " "
    + _each_with_interval("bounty_hat", "expected_spend", "quality_hat")
    + " discounted_mass_lo discounted_mass_hi window_n threshold_k revenue_share unfinished other_terms slopes_agree "
    "bounty_conservative target_quality target_bounty target_spend pass_curve nearby_bars reason",
    "continuation_values": "date segment method | stability band_separation failed passed reason "
    + _each_with_interval("g0", "g1", "spread"),
    "policy_advice": "date segment | current_n current_k current_mass current_bounty advised_n advised_k advised_mass "
    "advised_bounty mv_n mv_b lambda_imp lambda_cash exchange_rate current_quality advised_quality current_value "
    "advised_value current_spend advised_spend incentive_price reason",
    "contract_results": "date contract rule run_id | severity passed rows_checked rows_failed example?",
    "payout_changes": "date against_date category video_id | creator_id against_creator_id? "
    "against_payout_micros payout_micros "
    + " ".join(f"{part}_micros" for part in ["change", *PARTS.split(), "custom", "membership", "policy", "rounding"])
    + " revenue_micros? platform_share_micros? unallocated_micros?",
    "creator_statements": "date creator_id | currency payout_micros pulse_micros total_micros videos_paid "
    "against_date? against_payout_micros? change_micros? largest_reason? largest_reason_micros? statement",
    "allocation_frontier": "date category objective alpha lambda_eff | efficiency efficiency_log? fairness? "
    "is_undominated is_published target? gini top1pct_share effective_videos small_creators_share moved_micros "
    "pool_micros max_kkt_residual allocation_run_id",
    "rule_comparison": "date category rule | paid_micros pool_micros videos_eligible videos_paid coverage "
    "creators_paid gini top1pct_share effective_videos small_creators_share moved_micros videos_gaining videos_losing "
    "creators_gaining creators_losing small_creators_change_micros top_gain_creator_id? top_gain_micros? "
    "top_loss_creator_id? top_loss_micros? allocation_run_id",
    "integrity_audit": "date category rule variant target rank trust_tier behaviour fake_viewers | views_each video_id "
    "creator_id earned_micros? gain_micros marginal_micros cost_micros profit_micros pays_off allocation_run_id",
    "content_exposure": "date content_id drawer | pv click view position? category",
    "drawer_positions": "drawer position | capacity",
    "delivery_guarantees": "date content_id | min_impressions min_clicks?",
    "p2c_parameters": "date content_id drawer | r y_max x0 y0 rmse ape baseline_rmse baseline_ape n_points converged "
    "category r_lo r_hi y_max_lo y_max_hi ctr views_per_click n_days n_held_out reason",
    "delivery_plan": "date content_id drawer | impressions expected_clicks expected_views guarantee binding",
    "item_similarity": "date video_id rank | neighbour_id similarity",
    "candidates": "date viewer_id rank | video_id final_score similarity_score views is_interest",
    "stage_runs": "date stage run_id | status config_sha256 code_version input_versions output_versions? rows? "
    "started_at finished_at? seconds? sequence? config_json?",
    "video_rights": "video_id payee_id valid_from | share_ppm",
    "holds": "hold_id | subject_kind subject_id share_ppm from_date until_date? reason_code note?",
    "appeals": "appeal_id | subject_kind subject_id service_date received_on statement decision? decided_on?",
    "invalid_viewers": "viewer_id from_date | until_date? reason_code note?",
    "fx_rates": "date currency | rate source",
    "payout_adjustments": "service_date booked_on category video_id run_id | date sequence creator_id change_micros "
    "policy reason_code note? bound? currency",
    "adjustment_parts": "service_date category video_id run_id | date sequence creator_id change_micros "
    "pool_size_micros revenue_micros platform_share_micros unallocated_micros views_micros watch_completion_micros "
    "engagement_rate_micros engagement_diversity_micros rewatch_micros safety_micros custom_micros "
    "competition_micros bounds_micros membership_micros policy_micros rounding_micros earlier_micros",
    "pool_adjustments": "service_date category run_id | date sequence booked_on gross_micros platform_micros "
    "videos_micros unallocated_micros goodwill_micros policy reason_code note? appeal_id? currency",
    "payee_balances": "month payee_id currency | date opening_micros earned_micros adjusted_micros held_micros "
    "released_micros paid_micros returned_micros closing_micros held_balance_micros reason",
    "payments": "month payee_id currency | date payment_id amount_minor amount_micros status settled_on? "
    "booked_on? import_id?",
    "journal": "booked_on entry_id line | date account payee_id? amount_micros currency kind service_date? reference?",
    "run_claims": "date stage run_id | owner claimed_at expires_at token? released?",
}
QUARANTINE = "raw_row failed_rules contract_version ingested_at"
PROMISED |= {f"{name}_quarantine": f"date row_key? | {QUARANTINE}" for name in INPUTS}
PROMISED["events_quarantine"] = f"date event_id? | {QUARANTINE}"
NULLS_UNSAID = {"cohort_incentives", "continuation_values", "policy_advice", "p2c_parameters", "delivery_plan"}


def test_contracts_are_the_promised_ones() -> None:
    assert set(CONTRACTS) == set(PROMISED)


@pytest.mark.parametrize(("name", "promise"), PROMISED.items(), ids=PROMISED.keys())
def test_contract_has_the_promised_key_columns_and_nullability(name: str, promise: str) -> None:
    contract = CONTRACTS[name]
    key, others = ([column.removesuffix("?") for column in part.split()] for part in promise.split("|"))
    assert contract.key == tuple(key)
    assert set(contract.column_names) == {*key, *others}
    if name not in NULLS_UNSAID:
        nullable = {column.removesuffix("?") for column in promise.split() if column.endswith("?")}
        assert {column.name for column in contract.columns if column.nullable} == nullable


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.name)
def test_contract_keeps_the_projects_types_and_partitions(contract: Contract) -> None:
    kinds = {column.name: column.type for column in contract.columns}
    assert {kind for name, kind in kinds.items() if name.endswith("_micros")} <= {"BIGINT"}
    assert {kind for name, kind in kinds.items() if name.endswith("_id")} <= {"STRING"}
    moments = ("_at", "_ts") if contract.name == "video_rights" else ("_at", "_ts", "valid_from")
    assert {kind for name, kind in kinds.items() if name.endswith(moments)} <= {"TIMESTAMP"}
    # Rates are merged by key, whatever the day of their delivery.
    assert contract.partition_by == (("date",) if "date" in kinds and contract.name != "fx_rates" else ())
    assert all(column.unit == "micros" for column in contract.columns if column.name.endswith("_micros"))


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=lambda contract: contract.name)
def test_contract_key_is_unique_except_in_quarantine(contract: Contract) -> None:
    has_rule = "key_unique" in {rule.name for rule in contract.table_rules}
    assert has_rule != contract.name.endswith("_quarantine")


def test_broken_rows_go_to_quarantine_and_broken_money_stops() -> None:
    assert {name for name, contract in CONTRACTS.items() if contract.on_row_fault == "quarantine"} == {
        name for name in INPUTS if name != "ad_revenue"
    }


def test_money_columns_that_add_up_have_a_rule() -> None:
    rules = {name: {rule.name for rule in CONTRACTS[name].rules} for name in CONTRACTS}
    assert {name for name in rules if "one_currency" in rules[name]} == {
        *("ad_revenue", "pool_revenue", "video_payouts", "creator_payouts")
    }
    assert {"total_is_sum"} <= rules["video_payouts"] & rules["creator_payouts"]
    assert "pool_closes" in rules["allocation_runs"]
    assert "parts_add_up" in rules["payout_changes"]
    assert "payout_within_bounds" in rules["pool_payouts"]
