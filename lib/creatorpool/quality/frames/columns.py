"""The columns of table `video_signals`, without its key and custom signals."""

from __future__ import annotations

from creatorpool.actions import ACTION_RATES
from creatorpool.quality_components import COMPONENT_NAMES

SIGNAL_COLUMNS = ("views", "viewers", "trust_weight", *COMPONENT_NAMES, *ACTION_RATES)
