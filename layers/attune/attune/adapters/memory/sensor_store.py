"""What sensors remember, in memory."""

from __future__ import annotations

from dataclasses import replace

from attune.execution.ports.triggers import SensorMemory


class MemorySensors:
    """Implements :class:`attune.execution.ports.triggers.SensorStore`."""

    def __init__(self) -> None:
        self._memories: dict[str, SensorMemory] = {}

    def load(self, ref: str) -> SensorMemory:
        """See the port."""
        return self._memories.get(ref, SensorMemory())

    def save(self, ref: str, memory: SensorMemory) -> bool:
        """See the port."""
        if self.load(ref).version != memory.version:
            return False
        self._memories[ref] = replace(memory, version=memory.version + 1)
        return True
