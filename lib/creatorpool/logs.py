"""How log lines look: text to read or JSON to collect, and never a credential in either."""

from __future__ import annotations

import json
import logging
import os
import re
from datetime import UTC, datetime
from typing import Any

FORMAT_VARIABLE = "CREATORPOOL_LOG"

_IN_ADDRESS = re.compile(r"(\w://)[^\s/@]+@")
_SIGNED = re.compile(r"([?&](?:sig|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token)=)[^\s&\"']+", re.IGNORECASE)
_NAMED = re.compile(
    r"((?:secret|passw(?:or)?d|token|access[._-]?key|account[._-]?key|api[._-]?key|hash[._-]?key)[\w.-]*[\"']?\s*[=:]\s*)"
    r"(\"[^\"]*\"|'[^']*'|[^\s\"'&,;}]+)",
    re.IGNORECASE,
)


def redacted(text: str) -> str:
    """`text` without what follows a name such as `secret` or `token`, and without user and password of addresses."""
    text = _IN_ADDRESS.sub(r"\1***@", text)
    for pattern in (_SIGNED, _NAMED):
        text = pattern.sub(r"\1***", text)
    return text


class TextLines(logging.Formatter):
    """One line an event, to read."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level and message; of a run also day, run_id, subject and its facts."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "message": record.getMessage(),
            **getattr(record, "facts", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps({name: _safe(value) for name, value in line.items()}, ensure_ascii=False, default=str)


def _safe(value: Any) -> Any:
    return redacted(value) if isinstance(value, str) else value


def formatter() -> logging.Formatter:
    """What the environment's `CREATORPOOL_LOG` asks for; anything but `json` is text."""
    return JsonLines() if os.environ.get(FORMAT_VARIABLE, "text").lower() == "json" else TextLines()
