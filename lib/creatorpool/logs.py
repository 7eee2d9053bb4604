"""The format of log lines: text for people or JSON for collectors, times in UTC, one line per event, no credentials."""

from __future__ import annotations

import logging
import os
import re
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TypeAlias

from pythonjsonlogger.json import JsonFormatter

from creatorpool.quoting import escaped_json, one_line

FORMAT_VARIABLE = "CREATORPOOL_LOG"
CONTINUATION = "    | "
"""Prefix of each line of a traceback in the text format."""

ExceptionInfo: TypeAlias = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]

_IN_ADDRESS = re.compile(r"(\w://)[^\s/@]+@")
_SIGNED = re.compile(r"([?&](?:sig|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token)=)[^\s&\"']+", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:secret|passw(?:or)?d|token|access[._-]?key|account[._-]?key|api[._-]?key|hash[._-]?key)[\w.-]*[\"']?\s*[=:]\s*)"
    r"(\"[^\"]*\"|'[^']*'|[^\s\"'&,;}]+)",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """`text` with ``***`` for values of names such as `secret` or `token`, and for user and password in addresses."""
    text = _IN_ADDRESS.sub(r"\1***@", text)
    for pattern in (_SIGNED, _NAMED):
        text = pattern.sub(r"\1***", text)
    return text


class _Utc(logging.Formatter):
    """Times as ISO 8601 in UTC with the offset, to the millisecond: 2026-11-20T02:00:00.123+00:00."""

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802 - as in logging
        return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")


class TextLines(_Utc):
    """One line per event, for people; the lines of a traceback follow, each with the prefix `CONTINUATION`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        record.message = one_line(record.message)
        return super().formatMessage(record)

    def formatException(self, ei: ExceptionInfo) -> str:  # noqa: N802 - the name is logging's
        # An exception's message may hold a line break from data: no such line may look like a log line of its own.
        return "\n".join(f"{CONTINUATION}{one_line(line)}" for line in super().formatException(ei).split("\n"))


class JsonLines(_Utc, JsonFormatter):
    """One JSON object per line: time, level and message; for a run also day, run_id, subject and its facts."""

    def __init__(self) -> None:
        super().__init__(
            ["asctime", "levelname", "message"],
            rename_fields={"asctime": "time", "levelname": "level", "exc_info": "traceback"},
            json_default=str,
            json_ensure_ascii=False,
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Make each fact a field of its own, and remove credentials from all fields."""
        facts = log_data.pop("facts", {})
        fields = {**log_data, **facts}
        return {name: redacted(value) if isinstance(value, str) else value for name, value in fields.items()}

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """The object as JSON without any character that a reader could take for a line break."""
        return escaped_json(super().jsonify_log_record(log_data))


def formatter() -> logging.Formatter:
    """The formatter that the environment variable `CREATORPOOL_LOG` selects: `json`, or text for any other value."""
    return JsonLines() if os.environ.get(FORMAT_VARIABLE, "text").lower() == "json" else TextLines()
