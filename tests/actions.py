"""Flags of the viewer actions in generated events, for all actions of the library's list."""

from __future__ import annotations

from creatorpool.actions import ACTION_FLAGS, ACTIONS

FLAG_SCHEMA = ", ".join(f"{flag} boolean" for flag in ACTION_FLAGS)


def flags(*taken: str) -> dict[str, bool]:
    """Each action's flag, by column of `events`: true for the named actions."""
    assert set(taken) <= {action.name for action in ACTIONS}, taken
    return {action.event_column: action.name in taken for action in ACTIONS}


def every_flag(is_taken: bool) -> dict[str, bool]:
    """All flags true, or all false."""
    return dict.fromkeys(ACTION_FLAGS, is_taken)
