"""Writes three weeks of made-up contents in drawers: `python tools/write_delivery.py delivery` (docs/delivery.md)."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from creatorpool.synthetic.delivery import DeliveryMarket, write_delivery_days

MARKET = DeliveryMarket(contents=40, first_day=date(2026, 10, 31), days=21, new_contents=4)

if __name__ == "__main__":
    truth = write_delivery_days(Path(sys.argv[1]), MARKET)
    print(f"{len(truth.content_id):,} contents over {MARKET.days} days in {sys.argv[1]}")
