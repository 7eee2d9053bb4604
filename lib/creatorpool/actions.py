"""The viewer actions that count as engagement: the only list of them.

A further action is one line here, a column in each of the contracts `events` and `video_signals`, its weight in
conf/base.yaml, its habits in `synthetic.behaviour` and, where KuaiRand's logs have it, its column in
conf/sources/kuairand.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Action:
    """What a viewer can do with a video besides watching it."""

    name: str
    """Key of its weight β under `signals.action_weights`"""
    event_column: str
    """Flag in `events`: the viewer took the action in that event"""
    other_names: tuple[str, ...] = ()
    """Names of the flag in other platforms' logs"""

    @property
    def rate_column(self) -> str:
        """Column of `video_signals`: trust-weighted share of the video's viewers who took the action."""
        return f"{self.name}_rate"


ACTIONS = (
    Action("like", "liked", ("thumbs_up", "upvote", "upvoted", "heart", "hearted")),
    Action("comment", "commented", ("reply", "replied")),
    Action("share", "shared", ("forward", "forwarded", "is_forward", "repost", "reposted", "reshare", "reshared")),
    Action("follow", "followed", ("subscribe", "subscribed")),
)
"""Rates are summed in this order: it decides the last bit of every score."""

ACTION_NAMES = tuple(action.name for action in ACTIONS)
ACTION_FLAGS = tuple(action.event_column for action in ACTIONS)
ACTION_RATES = tuple(action.rate_column for action in ACTIONS)
