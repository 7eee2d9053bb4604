"""The errors that creatorpool raises on purpose, each with the exit code its job ends with."""

from __future__ import annotations


class CreatorpoolError(Exception):
    """Root of the tree. A job that ends with one prints its message and leaves with `exit_code`."""

    exit_code = 1


class InputError(CreatorpoolError, ValueError):
    """Data or arguments break a rule: nothing was written."""

    exit_code = 2


class ConfigurationError(CreatorpoolError, ValueError):
    """A configuration file, overlay or `--set` value cannot be used: nothing was started."""

    exit_code = 3


class MissingExtraError(ConfigurationError, ImportError):
    """What was asked for needs an optional extra of the package that is not installed."""


class ContractError(ConfigurationError):
    """A data contract cannot be read or used. The message names the file and, where known, the line."""


class ContractViolationError(InputError):
    """Rows or a table break a rule of severity `error` of their contract."""


class MissingTableError(InputError):
    """A table, or a published day of it, that a job needs is not there."""


class TableGuardError(InputError):
    """A write would have changed what it must not: another schema, rows outside its predicate."""


class InfeasiblePoolError(InputError):
    """No split of the pool meets all floors and caps."""


class VerificationError(InputError):
    """Published tables do not say what follows from what they were made of."""


class RunInProgressError(CreatorpoolError):
    """Another live run holds the same stage of the same day."""


class OutlivedLeaseError(RunInProgressError):
    """Another run has taken over the claim of this one, which writes nothing more."""


class ConcurrentWriteError(RunInProgressError):
    """Somebody else's commit came between reading and writing: nothing was written."""


class SettlementError(CreatorpoolError):
    """Payouts do not add up to their pool: a fault of the program, never published."""
