"""The options that verbs share, each defined once, and their conversion to parameters of Typer."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from datetime import date
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from creatorpool.errors import ConfigurationError, MissingTableError

if TYPE_CHECKING:
    from creatorpool.settings import Settings
    from creatorpool.storage.places import Place

ROOT_VARIABLE = "CREATORPOOL_ROOT"
_SHARED = "Tables, engine and configuration"


def parsed_day(text: str) -> date:
    """The day of an option's text."""
    try:
        # Python also reads 20261120 and 2026-W47-5.
        if not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"'{text}' is not a date; write YYYY-MM-DD") from None


def parsed_place(text: str) -> Place:
    """The file or folder of an option's text: a path, or a URI of an object store."""
    from creatorpool.storage.places import place_of

    try:
        return place_of(text)
    except ConfigurationError as error:
        raise typer.BadParameter(str(error)) from None


def day_option(*names: str, help: str) -> Any:
    """An option that takes a day."""
    return typer.Option(*names, metavar="YYYY-MM-DD", parser=parsed_day, help=help)


def source_formats() -> list[str]:
    """What `ingest.format` may be, for the shell's completion."""
    from creatorpool.ingest.sources.mapping import NATIVE, mapping_names

    return [NATIVE, *mapping_names()]


Day = Annotated[date, day_option("--date", help="the day")]
Root = Annotated[
    str, typer.Option(metavar="DIR", envvar=ROOT_VARIABLE, help="where all tables are", rich_help_panel=_SHARED)
]
Engine = Annotated[
    str | None, typer.Option(metavar="ENGINE", help="embedded, spark or sc://host:port", rich_help_panel=_SHARED)
]
Conf = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="overlay, in order; may be repeated", rich_help_panel=_SHARED)
]
Assignments = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="dotted.key=value", help="one setting; may be repeated", rich_help_panel=_SHARED),
]
Category = Annotated[list[str] | None, typer.Option(metavar="C", help="only this pool; may be repeated")]
Chart = Annotated[
    str | None, typer.Option(metavar="FILE", help="an .svg or .html file; default: under <root>/_reports")
]


@dataclass(frozen=True, kw_only=True)
class TablesOptions:
    """The tables of a verb."""

    root: Root = "warehouse"

    def tables_root(self) -> Place:
        """Root of the tables: an absolute path on this machine, or a place in an object store."""
        from creatorpool.storage.places import tables_root

        return tables_root(self.root)

    def existing_root(self) -> Place:
        """The same for verbs that only look or tidy up; MissingTableError if there is no such folder."""
        root = self.tables_root()
        if not root.is_dir():
            raise MissingTableError(
                f"nothing is published under {self.root}: there is no such folder; name the tables' folder with --root "
                f"or in {ROOT_VARIABLE}"
            )
        return root


@dataclass(frozen=True, kw_only=True)
class ConfigurationOptions:
    """The configuration of a verb."""

    conf: Conf = None
    assignments: Assignments = None

    def settings(self) -> Settings:
        """The configuration; ConfigurationError if it cannot be used."""
        from creatorpool.settings import load_settings

        return load_settings(self.conf or (), self.assignments or ())


@dataclass(frozen=True, kw_only=True)
class EngineOptions(ConfigurationOptions, TablesOptions):
    """The tables, the configuration and the engine of a verb."""

    engine: Engine = None


@dataclass(frozen=True, kw_only=True)
class DayOptions(EngineOptions):
    """The options of every verb over one day."""

    day: Day


def of_day(options: EngineOptions, day: date) -> DayOptions:
    """The same options, for `day`."""
    given: dict[str, Any] = {field.name: getattr(options, field.name) for field in fields(EngineOptions)}
    return DayOptions(**given, day=day)


@dataclass(frozen=True, kw_only=True)
class AgainstOptions:
    """The day for comparison, and its configuration."""

    against: Annotated[date | None, day_option(help="the other day; default: the published one before")] = None
    against_conf: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="overlay of that day; default: as --conf")
    ] = None
    against_set: Annotated[
        list[str] | None, typer.Option(metavar="dotted.key=value", help="one setting of that day; default: as --set")
    ] = None

    def settings(self, own: ConfigurationOptions) -> Settings:
        """The configuration of that day; by default `own`."""
        options = ConfigurationOptions(
            conf=self.against_conf or own.conf, assignments=self.against_set or own.assignments
        )
        return options.settings()


def flattened(verb: Callable[..., None]) -> Callable[..., None]:
    """`verb` with one parameter for each field of its options dataclasses, as Typer expects it."""
    hints = get_type_hints(verb, include_extras=True)
    groups: dict[str, Any] = {name: hint for name, hint in hints.items() if is_dataclass(hint)}
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(verb).parameters.items():
        if name in groups:
            parameters += _field_parameters(groups[name])
        else:
            parameters.append(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name]))

    @wraps(verb)
    def command(**given: Any) -> None:
        options = {
            name: group(**{field.name: given.pop(field.name) for field in fields(group)})
            for name, group in groups.items()
        }
        verb(**options, **given)

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _field_parameters(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    # Required parameters come first in the help.
    own = sorted(fields(group), key=lambda field: field.default is not MISSING)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
            annotation=hints[field.name],
        )
        for field in own
    ]
