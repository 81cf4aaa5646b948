"""JSON as its standard has it, where Python's reader takes more: ``NaN``, ``Infinity``, and ``1e999`` as infinity."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def loads(text: str) -> Any:
    """The value. Raises ValueError for what is no JSON or too large a number, RecursionError for what is too deep."""
    return json.loads(text, parse_constant=refuse_constant, parse_float=_finite)


def refuse_constant(name: str) -> NoReturn:
    """``parse_constant`` of ``json.loads``; raises ValueError."""
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else refuse_constant(text)
