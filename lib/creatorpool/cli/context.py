"""Opens what a verb needs from its options: the tables, a session on their engine, and the context of a run."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

from creatorpool.cli.options import DayOptions, EngineOptions
from creatorpool.project import project, unread_folder
from creatorpool.session import open_session, resolve_engine
from creatorpool.settings import Settings
from creatorpool.stages.context import RunContext
from creatorpool.stages.recovery import recover
from creatorpool.tables import Warehouse

logger = logging.getLogger("creatorpool")


@contextmanager
def open_warehouse(options: EngineOptions, settings: Settings) -> Iterator[tuple[SparkSession, Warehouse]]:
    """A session on the engine of `options`, and their tables."""
    engine = resolve_engine(options.engine, settings.engine)
    root = options.tables_root()
    facts = {"engine": engine, "root": str(root), "project": str(project())}
    logger.info("%s engine, tables under %s, conf/ and data_contracts/ of %s", *facts.values(), extra={"facts": facts})
    if warning := unread_folder():
        logger.warning("%s", warning)
    with open_session(engine, settings.engine) as session:
        yield session, Warehouse(session, root)


@contextmanager
def open_run(options: DayOptions, settings: Settings | None = None, *, dry_run: bool = False) -> Iterator[RunContext]:
    """The context of a run over the day of `options`, with its session open; `settings` default to the options' own."""
    settings = settings or options.settings()
    with open_warehouse(options, settings) as (_, warehouse):
        context = RunContext(warehouse, settings, options.day, dry_run=dry_run)
        if not dry_run:
            recover(warehouse, context.log)
        try:
            yield context
        finally:
            context.close()
