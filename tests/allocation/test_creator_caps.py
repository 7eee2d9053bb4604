"""The forms of the arguments `creator` and `creator_cap`."""

from __future__ import annotations

import numpy as np
import pytest

from creatorpool.allocation.creator_caps import checked_creator_caps
from creatorpool.errors import InputError


@pytest.mark.parametrize(
    ("creator", "creator_cap", "expected"),
    [
        ([2, 0, 2], 5.0, [5.0, 5.0, 5.0]),
        ([2, 0, 2], [1.0, 2.0, 3.0], [3.0, 1.0, 3.0]),  # indexed by label
        ([70, 50, 70], [1.0, 2.0], [2.0, 1.0, 2.0]),  # in ascending order of labels
        ([-1, 5, 5], [1.0, 2.0], [1.0, 2.0, 2.0]),
        (["b", "a", "b"], [1.0, 2.0], [2.0, 1.0, 2.0]),
        (["b", "a", "b"], {"a": 4}, [np.inf, 4.0, np.inf]),
        ([7, 9, 7], {9: 4.5}, [np.inf, 4.5, np.inf]),
    ],
)
def test_creator_caps_each_form_gives_each_video_its_creators_cap(creator, creator_cap, expected):
    caps = checked_creator_caps(creator, creator_cap, 3)
    assert caps.cap[caps.code].tolist() == expected
    assert caps.label[caps.code].tolist() == list(creator)


@pytest.mark.parametrize(
    ("creator", "creator_cap", "message"),
    [
        (None, 1.0, "creator must be given"),
        ([1, 2], 1.0, r"creator must hold one label per video, shape \(3,\), got shape \(2,\)"),
        (["a", None, "b"], 1.0, "labels of one type and none may be missing"),
        ([1.0, np.nan, 2.0], 1.0, r"creator\[1\] must not be missing"),
        (["a", "b", "b"], [1.0, 2.0, 3.0], "one cap for each of the 2 creators, got shape"),
        (["a", "b", "b"], [1.0, -2.0], r"creator_cap of creator .*'b'.* must be a number >= 0, got -2.0"),
        (["a", "b", "b"], {"a": float("nan")}, r"creator_cap of creator .*'a'.* must be a number"),
        (["a", "b", "b"], "lots", "creator_cap must be numbers"),
    ],
)
def test_creator_caps_bad_input_is_refused_by_name(creator, creator_cap, message):
    with pytest.raises(InputError, match=message):
        checked_creator_caps(creator, creator_cap, 3)
