"""How each client reaches an object store: Arrow, deltalake, the embedded engine, and Spark.

Endpoint, region and credentials come from the environment, under the names of AWS's own tools. Credentials never pass
through this program: each client reads them itself.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from creatorpool.errors import ConfigurationError

if TYPE_CHECKING:  # imported by the command line, which must start quickly
    from pyarrow import fs

ATTEMPTS = 10
"""Times that a request is sent before its error ends the run; the waits between them add up to about a minute"""
CONNECT_SECONDS, ANSWER_SECONDS = 10, 60

_REPETITION = {
    "max_retries": "20",
    "retry_timeout": "120s",
    "backoff_config.init_backoff": "500 millis",
    "backoff_config.max_backoff": "10 secs",
}
"""deltalake's repetition of requests; its own ends after some seconds if a server refuses connections"""

_UNSAFE = {
    "AWS_S3_ALLOW_UNSAFE_RENAME": ("false", "0", ""),
    "AWS_CONDITIONAL_PUT": ("etag", ""),
}
"""Variables that can take the safety of commits away, and the values that do not"""


def endpoint() -> str | None:
    """The address of an S3 server of one's own, such as ``http://127.0.0.1:7070``; None for AWS."""
    names = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
    return next((value for name in names if (value := os.environ.get(name))), None)


def region() -> str | None:
    """The region of the stores; a server of one's own has any."""
    found = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return found or ("us-east-1" if endpoint() else None)


def allows_http() -> bool:
    """Whether the endpoint is reached without encryption."""
    return (endpoint() or "").startswith("http://")


@cache
def filesystem(scheme: str, container: str) -> fs.FileSystem:
    """The file system of a store for Arrow; made once, because it keeps its connections."""
    from pyarrow import fs

    if scheme == "s3":
        address = urlsplit(endpoint() or "https://")
        return fs.S3FileSystem(
            region=region() or fs.resolve_s3_region(container),
            scheme=address.scheme,
            endpoint_override=address.netloc or None,
            connect_timeout=CONNECT_SECONDS,
            request_timeout=ANSWER_SECONDS,
            retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        )
    if scheme == "gs":
        return fs.GcsFileSystem()
    return fs.FileSystem.from_uri(f"{scheme}://{container}/")[0]


def description(scheme: str) -> str:
    """How the environment says to reach a store, for people, without credentials."""
    if scheme != "s3":
        return "credentials of its own tools"
    account = "keys of the environment" if "AWS_ACCESS_KEY_ID" in os.environ else "keys of a profile or role"
    return f"{endpoint() or 'AWS'}, region {region() or 'not set: set AWS_REGION'}, {account}"


def delta_options(scheme: str) -> dict[str, str]:
    """What deltalake must be told about a store. A commit is a write that fails if the object exists already.

    Raises
    ------
    ConfigurationError
        If the environment asks for commits that can overwrite each other.
    """
    if scheme != "s3":
        return {}
    for name, safe in _UNSAFE.items():
        if os.environ.get(name, "").lower() not in safe:
            raise ConfigurationError(
                f"{name}={os.environ[name]} in the environment lets two runs overwrite each other's commits: unset it"
            )
    found = {"aws_endpoint_url": endpoint(), "aws_region": region(), "allow_http": str(allows_http()).lower()}
    return {"conditional_put": "etag", **_REPETITION, **{name: value for name, value in found.items() if value}}


def prepare_embedded() -> None:
    """Give the embedded engine the endpoint under the names that it reads, before its server starts."""
    address, place = endpoint(), region()
    if address:
        os.environ.setdefault("AWS_ENDPOINT", address)
    if place:
        os.environ.setdefault("AWS_REGION", place)
    if allows_http():
        os.environ.setdefault("AWS_ALLOW_HTTP", "true")


def spark_conf() -> dict[str, str]:
    """The endpoint and region for Spark's client of S3, which takes the credentials from the environment itself."""
    address, place = endpoint(), region()
    conf = {} if place is None else {"spark.hadoop.fs.s3a.endpoint.region": place}
    if address is None:
        return conf
    return conf | {
        "spark.hadoop.fs.s3a.endpoint": address,
        "spark.hadoop.fs.s3a.path.style.access": "true",
        "spark.hadoop.fs.s3a.connection.ssl.enabled": str(not allows_http()).lower(),
    }
