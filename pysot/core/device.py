"""Devices and what is known of this machine. The only file that names a device."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

import torch
from torch import nn

from pysot.core.errors import DeviceError

DEVICES = ("auto", "cpu", "cuda", "mps")


def resolve_device(name: str = "auto") -> torch.device:
    """The device called `name`: `auto` (cuda, then mps, then cpu), `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises `DeviceError` when the name is unknown or the device is not usable here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = name.partition(":")
    if kind not in DEVICES or (":" in name and (kind == "auto" or not number.isdecimal())):
        raise DeviceError(f"Unknown device '{name}'. Use one of: {', '.join(DEVICES)}, or cuda:N.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            f"Device '{name}' was asked for, but this torch ({torch.__version__}) sees no CUDA device. Use cpu."
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("Device 'mps' was asked for, but Metal is not available to this torch. Use cpu.")
    device = torch.device(name)
    if kind == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"Device '{name}' was asked for, but there are {torch.cuda.device_count()} CUDA devices.")
    return device


def device_of(module: nn.Module) -> torch.device:
    """Where the parameters of `module` live."""
    return next(module.parameters()).device


def is_cpu(device: torch.device) -> bool:
    """True when tensors on `device` are computed by the processor."""
    return device.type == "cpu"


def synchronize(device: torch.device) -> None:
    """Waits until everything asked of `device` is done, so that a clock read afterwards is true."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def device_of_rank(device: torch.device, local_rank: int) -> torch.device:
    """The device of the process `local_rank` of this machine: its own CUDA device where `device` names none by number.

    Makes it the process's current device. Raises `DeviceError` when there are fewer devices than processes.
    """
    if device.type != "cuda":
        return device
    if device.index is None:
        device = resolve_device(f"cuda:{local_rank}")
    torch.cuda.set_device(device)
    return device


def collective_backend(device: torch.device) -> str:
    """The library by which processes exchange tensors that live on `device`."""
    return "nccl" if device.type == "cuda" else "gloo"


def accelerator_rng_states() -> list[torch.Tensor]:
    """States of the random generators of this machine's accelerators, (n,) uint8 each on the CPU; empty without one."""
    if torch.cuda.is_available():
        return [state.clone() for state in torch.cuda.get_rng_state_all()]
    return [torch.mps.get_rng_state()] if torch.backends.mps.is_available() else []


def set_accelerator_rng_states(states: list[torch.Tensor]) -> None:
    """Puts back what `accelerator_rng_states` returned; states of accelerators that are not here are ignored."""
    if torch.cuda.is_available():
        for index, state in enumerate(states[: torch.cuda.device_count()]):
            torch.cuda.set_rng_state(state.cpu(), index)
    elif torch.backends.mps.is_available() and states:
        torch.mps.set_rng_state(states[0].cpu())


def peak_memory_mib(device: torch.device) -> float | None:
    """Largest memory this process has held so far, MiB, on the accelerator if `device` is one; None if not known."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        import resource
    except ImportError:  # Windows
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20


def cpu_name() -> str:
    """The processor's name as the system reports it, for performance tables."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def device_name(device: torch.device) -> str:
    """Human name of `device`."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else f"{cpu_name()} ({device.type})"


def environment_report() -> str:
    """Versions and hardware, one `name: value` line each: what a bug report needs."""
    from importlib import metadata

    lines = [f"python: {sys.version.split()[0]}", f"platform: {platform.platform()}", f"cpu: {cpu_name()}"]
    lines.append(f"threads: torch {torch.get_num_threads()}")
    packages = "pysot-toolkit torch numpy opencv-python opencv-python-headless yacs numba tqdm safetensors tensorboardX"
    for package in (*packages.split(), "colorama"):
        try:
            lines.append(f"{package}: {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            lines.append(f"{package}: not installed")
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    cuda = [torch.cuda.get_device_name(index) for index in range(count)]
    lines.append(f"cuda: {torch.version.cuda or 'not in this build'}; devices: {', '.join(cuda) or 'none'}")
    lines.append(f"mps: {'available' if torch.backends.mps.is_available() else 'not available'}")
    return "\n".join(lines)
