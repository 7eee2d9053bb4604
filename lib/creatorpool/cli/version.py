"""What `creatorpool --version` prints."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from creatorpool.runs.identity import code_version

_ENGINES = ("pyspark", "pysail", "deltalake")


def version_text() -> str:
    """The code's version as the ledgers keep it, then the versions of Python and of the engines' packages."""
    engines = ", ".join(f"{name} {_installed(name)}" for name in _ENGINES)
    return f"creatorpool {code_version()}\nPython {platform.python_version()}, {engines}"


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "is not installed"
