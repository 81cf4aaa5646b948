"""Workflows that together use every construct of the language, with what happens to them from outside."""

from __future__ import annotations

from tests.explore.workflows.attempts import ATTEMPTS
from tests.explore.workflows.children import CHILDREN
from tests.explore.workflows.chunks import CHUNKS
from tests.explore.workflows.flow import FLOW
from tests.explore.workflows.interventions import INTERVENTIONS
from tests.explore.workflows.lists import LISTS
from tests.explore.workflows.outside import OUTSIDE
from tests.explore.workflows.scenario import Scenario
from tests.explore.workflows.sensors import SENSORS
from tests.explore.workflows.values import VALUES

WORKFLOWS: dict[str, Scenario] = {
    **FLOW,
    **LISTS,
    **CHUNKS,
    **ATTEMPTS,
    **CHILDREN,
    **OUTSIDE,
    **INTERVENTIONS,
    **VALUES,
    **SENSORS,
}
