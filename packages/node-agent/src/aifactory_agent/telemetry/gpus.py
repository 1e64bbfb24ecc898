"""GPUs by NVIDIA's management library, when the machine has it: `pip install aifactory-node-agent[gpu]`."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any

from aifactory_agent.telemetry.readings import Reading

log = logging.getLogger(__name__)


def open_library() -> Any | None:
    """The library, ready to be asked; None on machines without it, without a driver or without a GPU."""
    try:
        library = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        library.nvmlInit()
        return library if library.nvmlDeviceGetCount() else None
    except library.NVMLError as error:
        log.info("no NVIDIA GPU: %s", error)
        return None


def add(found: Reading, library: Any | None) -> None:
    """The gauges of every GPU; what a model does not tell is left out."""
    if library is None:
        return
    for index in range(library.nvmlDeviceGetCount()):
        device = library.nvmlDeviceGetHandleByIndex(index)
        for name, read in _METERS.items():
            try:
                found.gauges[name, str(index)] = float(read(library, device))
            except library.NVMLError:
                continue


_METERS: dict[str, Callable[[Any, Any], float]] = {
    "gpu.utilization": lambda nvml, device: nvml.nvmlDeviceGetUtilizationRates(device).gpu / 100,
    "gpu.memory.usage": lambda nvml, device: nvml.nvmlDeviceGetMemoryInfo(device).used,
    "gpu.power": lambda nvml, device: nvml.nvmlDeviceGetPowerUsage(device) / 1000,
    "gpu.temperature": lambda nvml, device: nvml.nvmlDeviceGetTemperature(device, nvml.NVML_TEMPERATURE_GPU),
}
