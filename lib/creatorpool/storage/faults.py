"""Recognises errors of an object store in what its clients raise, each in words of its own, and says what to do."""

from __future__ import annotations

import re
from collections.abc import Iterator

from creatorpool.errors import ConfigurationError, CreatorpoolError, StorageError
from creatorpool.quoting import quoted

_FROM_STORE = re.compile(
    r"Generic (?:S3|GCS|MicrosoftAzure) error|AWS Error|awssdk|amazonaws|org\.apache\.hadoop\.fs\.s3a|S3AFileSystem|"
    r"Azure.*Error|google::cloud|loading credentials"
)
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_NO_CLIENT = re.compile(r"Class org\.apache\.hadoop\.fs\.s3a\.S3AFileSystem not found|No FileSystem for scheme")
_NO_CREDENTIALS = re.compile(
    r"169\.254\.169\.254|IMDS|loading credentials|CredentialsNotLoaded|NoAuthWithAWS|Unable to load credentials"
)
_DENIED = re.compile(
    r"\b40[13]\b|ACCESS_DENIED|AccessDenied|INVALID_ACCESS_KEY|InvalidAccessKeyId|INVALID_CLIENT_TOKEN|"
    r"SIGNATURE_DOES_NOT_MATCH|SignatureDoesNotMatch"
)
_NO_BUCKET = re.compile(r"NO_SUCH_BUCKET|NoSuchBucket|bucket does not exist", re.IGNORECASE)


def storage_fault(error: BaseException) -> CreatorpoolError | None:
    """The error of the object store behind `error`; None if `error` comes from something else.

    A store that does not answer, after all repetitions, is a StorageError. Missing rights, credentials, buckets and
    clients are a ConfigurationError.
    """
    for text in (str(found) for found in _chain(error) if not isinstance(found, CreatorpoolError)):
        if _NO_CLIENT.search(text):
            return ConfigurationError(
                "this Spark has no client for the object store: for S3 give it `--packages "
                "org.apache.hadoop:hadoop-aws:3.4.2`, or add its jars to spark.jars of the cluster"
            )
        if not _FROM_STORE.search(text):
            continue
        if _NO_CREDENTIALS.search(text):
            return ConfigurationError(
                f"the object store needs credentials and there are none: set AWS_ACCESS_KEY_ID and "
                f"AWS_SECRET_ACCESS_KEY, or a profile or role that AWS's tools know; it said {_short(text)}"
            )
        if _DENIED.search(text):
            return ConfigurationError(
                f"the object store refuses this account: check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, the endpoint "
                f"and the account's rights to read, write, list and delete; it said {_short(text)}"
            )
        if _NO_BUCKET.search(text):
            return ConfigurationError(f"the bucket does not exist: make it, or correct the URI; {_short(text)}")
        return StorageError(
            f"the object store does not answer as it should, and requests were repeated until their limit: "
            f"{_short(text)}. What is published stands: run the same command again once the store answers"
        )
    return None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error`, and the errors that it was raised from or during."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or (None if found.__suppress_context__ else found.__context__)


def _short(text: str) -> str:
    """The part of `text` from the store's words on, as one line: deltalake indents and colours its causes."""
    plain = " ".join(_COLOUR.sub("", text).split())
    found = _FROM_STORE.search(plain)
    return quoted(plain[found.start() :] if found else plain)
