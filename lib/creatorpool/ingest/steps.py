"""Log lines of the steps of an ingestion, so that whoever waits sees what takes the time."""

from __future__ import annotations

import logging

logger = logging.getLogger("creatorpool")


def log_step(subject: str, step: str) -> None:
    """Log that `step` of the ingestion of `subject`, a table or an input, begins."""
    logger.info("ingest: %s: %s", subject, step, extra={"facts": {"subject": subject, "step": step}})
