"""Which unused columns may hold what a constant makes up: by their names, or else by their values."""

from __future__ import annotations

import pytest

from creatorpool.ingest.sources.defaults import likely_columns


@pytest.mark.parametrize(
    ("wanted", "columns", "likely"),
    [
        ("is_compliant", {"moderation": ["ok"], "tier": ["a", "b"] * 3}, ["moderation"]),
        ("is_compliant", {"isBanned": ["7"], "note": ["a"]}, ["isBanned"]),
        ("is_compliant", {"band": ["a", "b", "c", "d"], "urban": ["x", "y", "z", "w"]}, []),
        ("is_compliant", {"grade": ["a", "b", "c"] * 3, "title": list("abcdefghi")}, ["grade"]),
        ("is_compliant", {"ok": ["1", "1"]}, ["ok"]),
        ("is_compliant", {"grade": ["a", "b", "c"]}, []),
        ("trust_tier", {"id_checked": ["true"], "email_ok": ["true"]}, ["id_checked"]),
        ("trust_tier", {"email_ok": ["true", "False"]}, ["email_ok"]),
        ("shared", {"share_count": ["12"]}, ["share_count"]),
        ("shared", {"reported": ["0", "1"], "page": ["a", "b"] * 9}, ["reported"]),
        ("s_tox", {"flag": ["0", "1"]}, []),
        ("is_compliant", {"empty": []}, []),
    ],
)
def test_likely_columns(wanted: str, columns: dict[str, list[str]], likely: list[str]) -> None:
    assert likely_columns(wanted, columns) == likely
