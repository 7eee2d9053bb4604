"""Checkpoints: the arrays of a training state in one file, written atomically."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path
from typing import Any

import jax
import numpy as np

from creatorpool.errors import InputError

_ABOUT = "about"


def write_checkpoint(path: Path, about: dict[str, Any], tree: Any) -> None:
    """Write the leaves of `tree` with the description `about`; an old file is replaced when the new one is complete."""
    leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]
    text = np.frombuffer(_text(about).encode(), np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with unfinished.open("wb") as file:
            np.savez(
                file, allow_pickle=False, **{_ABOUT: text}, **{f"leaf-{at:04d}": leaf for at, leaf in enumerate(leaves)}
            )
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_checkpoint(path: Path, about: dict[str, Any], like: Any) -> Any:
    """Read the tree that was written, in the structure of `like`; only the leaves' first axes may differ in size.

    Raises
    ------
    InputError
        If the file is not a checkpoint, or its description differs from `about`.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            found = bytes(file[_ABOUT]).decode()
            leaves = [file[name] for name in sorted(file.files) if name != _ABOUT]
    except FileNotFoundError as error:
        raise InputError(f"there is no checkpoint {path}") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} is not a checkpoint, or is damaged: {error}") from error
    _refuse_another(path, json.loads(found), json.loads(_text(about)))
    expected, structure = jax.tree.flatten(like)
    if [(leaf.shape[1:], leaf.dtype) for leaf in leaves] != [(np.shape(e)[1:], e.dtype) for e in expected]:
        raise InputError(f"{path} holds arrays of other shapes or types than this learner's")
    put = [
        leaf if isinstance(like_leaf, np.ndarray) else jax.numpy.asarray(leaf)
        for leaf, like_leaf in zip(leaves, expected, strict=True)
    ]
    return jax.tree.unflatten(structure, put)


def _refuse_another(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    differing = sorted(name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name))
    if differing:
        name = differing[0]
        raise InputError(
            f"{path} is a checkpoint of another agent: {name} is {found.get(name)} there, {wanted.get(name)} here"
        )


def _text(about: dict[str, Any]) -> str:
    return json.dumps(about, sort_keys=True)
