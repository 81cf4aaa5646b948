"""Checking and pricing orders, batch by batch, and adding the batches up."""

import json
import re
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

REQUIRED = ("order_id", "customer", "email", "sku", "quantity", "currency", "ordered_at")
COLUMNS = ["row", *REQUIRED, "product", "unit_price", "total", "total_base"]
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
MOST_REASONS_SHOWN = 20


def check_orders(orders: list[dict[str, str]], first_row: int, context: Any) -> dict[str, Any]:
    """``{accepted, rejected}``: priced orders, and those with what is wrong with them; both keep their row number."""
    accepted, rejected = [], []
    for row, order in enumerate(orders, first_row):
        reasons = _reasons(order)
        if reasons:
            rejected.append({"row": row, **order, "reasons": "; ".join(reasons)})
        else:
            accepted.append({"row": row, **_priced(order)})
    context.logger.info("rows from %d: %d accepted, %d rejected", first_row, len(accepted), len(rejected))
    return {"accepted": accepted, "rejected": rejected}


def combine(batches: list[dict[str, Any]], source: dict[str, Any]) -> dict[str, Any]:
    """``{summary, files, quarantine}``: the totals, the files to write, and what to keep if the import is refused.

    An order id that comes a second time is rejected here, since no batch sees the others.
    """
    accepted, rejected = _without_duplicates(batches)
    total = len(accepted) + len(rejected)
    reasons = Counter(reason.split(":")[0] for row in rejected for reason in row["reasons"].split("; "))
    summary = {
        "total": total,
        "accepted": len(accepted),
        "rejected": len(rejected),
        "bad_share": round(len(rejected) / total, 4) if total else 0,
        "reasons": dict(reasons.most_common(MOST_REASONS_SHOWN)),
        "revenue": float(sum((Decimal(str(row["total_base"])) for row in accepted), Decimal(0))),
        "currency": _catalogue()["base_currency"],
    }
    report = {"source": source, "summary": summary}
    rejected_columns = ["row", *REQUIRED, "reasons"]
    return {
        "summary": summary,
        "files": [
            {"name": "accepted.csv", "format": "csv", "data": accepted, "columns": COLUMNS},
            {"name": "rejected.csv", "format": "csv", "data": rejected, "columns": rejected_columns},
            {"name": "report.json", "format": "json", "data": report, "columns": None},
        ],
        "quarantine": {**report, "rejected": rejected},
    }


def _reasons(order: dict[str, str]) -> list[str]:
    catalogue = _catalogue()
    missing = [name for name in REQUIRED if not (order.get(name) or "").strip()]
    reasons = [f"missing: {name}" for name in missing]
    checks = {
        "email": (EMAIL.fullmatch, "bad email"),
        "sku": (catalogue["products"].get, "unknown sku"),
        "quantity": (_is_quantity, "bad quantity"),
        "currency": (catalogue["rates"].get, "unknown currency"),
        "ordered_at": (DAY.match, "bad date"),
    }
    for name, (is_good, reason) in checks.items():
        if name not in missing and not is_good(order[name].strip()):
            reasons.append(f"{reason}: {order[name].strip()}")
    return reasons


def _is_quantity(text: str) -> bool:
    return text.isascii() and text.isdigit() and 0 < int(text) <= 10_000


def _priced(order: dict[str, str]) -> dict[str, Any]:
    """Prices are in the base currency; ``total`` is in the order's, ``total_base`` in the base currency."""
    catalogue = _catalogue()
    clean = {name: order[name].strip() for name in REQUIRED}
    product = catalogue["products"][clean["sku"]]
    quantity, price = int(clean["quantity"]), Decimal(str(product["price"]))
    base = price * quantity
    total = base / Decimal(str(catalogue["rates"][clean["currency"]]))
    return {
        **clean,
        "quantity": quantity,
        "product": product["name"],
        "unit_price": float(price),
        "total": _cents(total),
        "total_base": _cents(base),
    }


def _without_duplicates(batches: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    first: dict[str, int] = {}
    accepted = []
    rejected = [row for batch in batches for row in batch["rejected"]]
    for row in (row for batch in batches for row in batch["accepted"]):
        before = first.setdefault(row["order_id"], row["row"])
        if before == row["row"]:
            accepted.append(row)
        else:
            rejected.append({**row, "reasons": f"duplicate: of row {before}"})
    return accepted, sorted(rejected, key=lambda row: row["row"])


def _cents(amount: Decimal) -> float:
    return float(amount.quantize(Decimal("0.01"), ROUND_HALF_UP))


@cache
def _catalogue() -> dict[str, Any]:
    """Products and exchange rates; a real import would ask a service or a table for them."""
    path = Path(__file__).parents[1] / "data" / "prices.json"
    catalogue: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return catalogue
