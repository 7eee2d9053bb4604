"""The policy of a split: what decides how a pool's money is shared, beside the money, the videos and their bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

ObjectiveName = Literal["linear", "log"]


class PolicySource(Protocol):
    """What names a policy: the section `allocation` of the configuration, or a pool's row in the ledger."""

    @property
    def objective(self) -> str: ...
    @property
    def alpha(self) -> float: ...
    @property
    def lambda_eff(self) -> float: ...


@dataclass(frozen=True)
class SplitPolicy:
    """Objective, exponent of the fairness weights and weight of efficiency (formulas §2.2, S0 §3)."""

    objective: ObjectiveName
    alpha: float
    lambda_eff: float

    @classmethod
    def of(cls, source: PolicySource) -> SplitPolicy:
        """The policy that a configuration or a ledger's row names."""
        return cls("log" if source.objective == "log" else "linear", source.alpha, source.lambda_eff)
