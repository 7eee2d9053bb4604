"""Divides money among the payees of a video by whole parts per million, exactly, by largest remainder."""

from __future__ import annotations

from collections.abc import Mapping

WHOLE_PPM = 1_000_000
"""All of an amount, in parts per million"""


def divided(micros: int, shares: Mapping[str, int]) -> dict[str, int]:
    """What each payee gets of `micros`; the amounts sum to `micros`.

    Each payee gets the whole micros of its share. The micros that are left go, one each, to the payees with the largest
    remainders, ties by payee id.

    Parameters
    ----------
    micros : int
        The amount, at least 0.
    shares : mapping
        Parts per million by payee, which sum to `WHOLE_PPM`.
    """
    if micros < 0 or sum(shares.values()) != WHOLE_PPM or min(shares.values()) < 0:
        raise ValueError(f"an amount of at least 0 and shares of a whole are needed, got {micros} and {dict(shares)}")
    exact = {payee: divmod(micros * share, WHOLE_PPM) for payee, share in shares.items()}
    left = micros - sum(whole for whole, _ in exact.values())
    in_order = sorted(exact, key=lambda payee: (-exact[payee][1], payee))
    raised = set(in_order[:left])
    return {payee: whole + (payee in raised) for payee, (whole, _) in exact.items()}
