"""The errors that creatorpool raises on purpose, each with the exit code of a job that ends with it."""

from __future__ import annotations


class CreatorpoolError(Exception):
    """Base class. A job that ends with such an error prints its message and exits with `exit_code`."""

    exit_code = 1


class InputError(CreatorpoolError, ValueError):
    """Data or arguments break a rule: nothing was written."""

    exit_code = 2


class ConfigurationError(CreatorpoolError, ValueError):
    """A configuration file, overlay or `--set` value cannot be used."""

    exit_code = 3


class MissingExtraError(ConfigurationError, ImportError):
    """The requested function needs an optional extra of the package, which is not installed."""


class ContractError(ConfigurationError):
    """A data contract cannot be read or used. The message names the file and, where known, the line."""


class ContractViolationError(InputError):
    """Rows or a table break a rule of severity `error` of their contract."""


class MissingTableError(InputError):
    """A job needs a table, or a published day of it, that does not exist."""


class TableGuardError(InputError):
    """A write would break a rule of its table: another schema, rows of another day, a missing required value."""


class InfeasiblePoolError(InputError):
    """No split of the pool meets all floors and caps."""


class VerificationError(InputError):
    """Published rows differ from the rows that follow from their inputs."""


class RunInProgressError(CreatorpoolError):
    """Another live run holds the same stage of the same day."""


class OutlivedLeaseError(RunInProgressError):
    """Another run has taken over the claim of this run. This run can commit nothing more."""


class ConcurrentWriteError(RunInProgressError):
    """Another process committed between reading and writing: nothing was written."""


class StorageError(CreatorpoolError):
    """The storage did not answer, although requests were repeated: nothing was published since the last commit."""


class SettlementError(CreatorpoolError):
    """Payouts do not add up to their pool: a fault of the program. Such payouts are never published."""
