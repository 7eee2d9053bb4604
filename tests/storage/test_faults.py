"""Errors of object stores are recognised in each client's words, and say what to do."""

from __future__ import annotations

import pytest

from creatorpool.errors import InputError
from creatorpool.storage.faults import storage_fault

ANSWERS = [
    (
        "Generic S3 error\n \x1b[31m↳\x1b[0m Error performing GET http://x, after 20 retries",
        1,
        "GET http://x, after 20",
    ),
    ("AWS Error NETWORK_CONNECTION during HeadObject operation: curlCode: 7", 1, "run the same command again"),
    ("AWS Error ACCESS_DENIED during HeadObject operation", 3, "AWS_ACCESS_KEY_ID"),
    ("Generic S3 error: Client error with status 404: <Code>NoSuchBucket</Code>", 3, "the bucket does not exist"),
    ("Operation not supported\n an error occurred while loading credentials", 3, "needs credentials"),
    ("Class org.apache.hadoop.fs.s3a.S3AFileSystem not found", 3, "hadoop-aws"),
]


@pytest.mark.parametrize(("text", "code", "words"), ANSWERS)
def test_an_answer_of_a_store_has_its_exit_code_and_says_what_to_do(text: str, code: int, words: str) -> None:
    error = InputError("events: s3://bucket/events.csv cannot be read")
    error.__cause__ = OSError(text)
    fault = storage_fault(error)

    assert fault is not None
    assert fault.exit_code == code
    assert words in str(fault)
    assert "\n" not in str(fault)


def test_other_errors_are_not_taken_for_a_store() -> None:
    assert storage_fault(InputError("a text that quotes a Generic S3 error")) is None
    assert storage_fault(OSError("No space left on device")) is None
