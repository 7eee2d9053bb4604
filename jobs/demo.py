"""Whole nights on made-up or real logs: `make demo`, also with `ENGINE=spark` or `DATA=folder-of-KuaiRand`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))

from creatorpool.cli.main import main_of
from creatorpool.cli.process import run_and_exit

main = main_of("demo")

if __name__ == "__main__":
    run_and_exit(main)
