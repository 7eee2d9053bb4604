"""Warns of a mapping that pays every video although the files have a column that may say which ones may be paid."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from creatorpool.ingest.sources.defaults import DEFAULTS, likely_columns
from creatorpool.ingest.sources.files import input_paths
from creatorpool.ingest.sources.mapping import LoadedMapping
from creatorpool.ingest.sources.sample import example_values, sample_file
from creatorpool.quoting import quoted
from creatorpool.settings import IngestSettings
from creatorpool.storage.places import Place

_SAMPLED = 1_000
_COMPLIANCE = "is_compliant"


def compliance_warnings(
    loaded: LoadedMapping, source: Place, readable: Collection[str], settings: IngestSettings
) -> Iterator[str]:
    """A warning for each part of videos with a constant for compliance while an unused column may be it.

    `readable` are the inputs whose files in `source` can be read.
    """
    if "videos" not in loaded.mapping.tables:
        return
    for found in loaded.parts("videos"):
        how = found.part.columns[_COMPLIANCE]
        if how.value is not True or found.part.input not in readable:
            continue
        unused = _unused(loaded, source, found.part.input, settings)
        for column in likely_columns(_COMPLIANCE, unused):
            yield (
                f"{loaded.place(*found.keys, 'columns', _COMPLIANCE)}: {DEFAULTS[_COMPLIANCE].meaning}, while no table "
                f"uses column '{quoted(column)}' of input '{found.part.input}' ({example_values(unused[column])}): if "
                f"it says which videos may be paid, map it"
            )


def _unused(loaded: LoadedMapping, source: Place, name: str, settings: IngestSettings) -> dict[str, Sequence[str]]:
    """Columns of an input's first file that the mapping does not use; none if its names or format are the mapping's."""
    given = loaded.mapping.inputs[name]
    paths = input_paths(source, name, given)
    if not paths or given.header or given.format:
        return {}
    used = {word.lower() for word in (*loaded.mapping.names(name), *loaded.mapping.viewer_columns)}
    columns = sample_file(paths[0], settings, _SAMPLED).columns
    return {column: values for column, values in columns.items() if column.lower() not in used}
