"""Facts of the machine and the software, and the few switches that make one machine's times comparable."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from eyechart.base.errors import UsageError
from eyechart.schema import Host

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

RECORDED_PACKAGES = ("torch", "torchvision", "numpy", "eyechart")

# mallopt's parameters, from glibc's malloc.h; the values are C ints, so they stay below 2**31.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3
_MEBIBYTE = 2**20


# --------------------------------------------------------------------------------------------- facts


def host_facts(device: torch.device | None, num_threads: int, packages: Sequence[str] = ()) -> Host:
    """Everything about this machine that a run file keeps; `device` None where nothing is computed.

    `packages` are those that this run alone depends on, beside RECORDED_PACKAGES.
    """
    return Host(
        hostname=platform.node(),
        platform=platform.platform(),
        cpu=cpu_name(),
        num_cores=num_cores(),
        num_machine_cores=os.cpu_count(),
        memory_bytes=memory_bytes(),
        device=_device_name(device),
        num_threads=num_threads,
        python=platform.python_version(),
        versions=_versions(packages),
        commit=_commit(Path(__file__).resolve().parents[1]),
        load_average=round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    )


def num_cores() -> int:
    """Cores that this process may use: its affinity where that is known, and not more than its container's share."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, period = [*_read("/sys/fs/cgroup/cpu.max").split(), "max", "max"][:2]
    if quota.isdecimal() and period.isdecimal():
        return max(1, min(cores, int(quota) // int(period)))
    return cores


def memory_bytes() -> int:
    """Memory of the machine, or of the container when that is less."""
    import psutil

    installed = int(psutil.virtual_memory().total)
    limit = _read("/sys/fs/cgroup/memory.max").strip()
    return min(installed, int(limit)) if limit.isdecimal() else installed


def cpu_name() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        if key.strip().lower() in ("model name", "hardware"):
            return value.strip()
    return platform.processor() or platform.machine()


def _device_name(device: torch.device | None) -> str:
    if device is None or device.type == "cpu":
        return "cpu"
    if device.type == "cuda":
        import torch

        index = torch.cuda.current_device() if device.index is None else device.index
        return f"cuda:{index} {torch.cuda.get_device_name(index)}"
    return str(device)


def _versions(packages: Sequence[str]) -> dict[str, str]:
    """Versions of the packages that decide results, without importing them; one that is not installed is left out."""
    versions = {}
    for name in dict.fromkeys((*RECORDED_PACKAGES, *packages)):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    return versions


def _commit(package: Path) -> str:
    """Commit of the checkout that `package` (.../src/eyechart) lies in, "-dirty" when code in it was changed.

    Empty when the package was installed elsewhere: an environment inside somebody's own repository is not ours.
    """
    checkout = package.parent.parent
    if package.parent.name != "src" or not (checkout / ".git").exists():
        return ""
    try:
        commit = _git(checkout, "rev-parse", "--short=12", "HEAD")
        changes = _git(checkout, "status", "--porcelain", "--", "src", "pyproject.toml")
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{commit}-dirty" if changes else commit


def _git(checkout: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment["GIT_OPTIONAL_LOCKS"] = "0"  # only look: never write git's index
    command = ["git", "-C", str(checkout), *arguments]
    result = subprocess.run(
        command,
        capture_output=True,
        encoding="utf-8",
        errors="backslashreplace",
        timeout=5,
        check=True,
        env=environment,
    )
    return result.stdout.strip()


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


# --------------------------------------------------------------------------------------------- switches


def select_device(name: str) -> torch.device:
    """The device called `name` ("auto", "cpu", "cuda", "cuda:1", "mps"); "auto" takes cuda, then mps, then cpu.

    Raises UsageError for a name that is unknown or a device that this machine does not have.
    """
    import torch

    available = _available_devices()
    if name == "auto":
        return torch.device("cuda" if "cuda" in available else "mps" if "mps" in available else "cpu")
    if name in available:
        return torch.device(name)
    kind = name.partition(":")[0]
    found = "is not on this machine" if kind in ("cuda", "mps") else "is not a device that eyechart knows"
    raise UsageError(
        f"The device {name!r} {found}; expected one of: auto, {', '.join(available)}. "
        f"Use --device auto to take the best one that is there."
    )


def _available_devices() -> list[str]:
    import torch

    devices = ["cpu"]
    if torch.cuda.is_available():
        devices += ["cuda", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        devices.append("mps")
    return devices


def available_machines() -> list[tuple[str, str]]:
    """(device, precision) pairs that may train a study here, the CPU's first; just one: there is nothing to choose."""
    kinds = [name for name in _available_devices() if name in ("cpu", "cuda", "mps")]
    return [(kind, precision) for kind in kinds for precision in _precisions_of(kind)]


def _precisions_of(kind: str) -> tuple[str, ...]:
    """What a kind of device computes at a good speed; bfloat16 on a CPU without units for it is for who asks for it."""
    import torch

    if kind == "cuda":
        recent = not torch.version.hip and torch.cuda.get_device_capability()[0] >= 8
        tf32 = ("tf32",) if recent else ()
        return ("float32", *tf32, *(("bfloat16",) if torch.cuda.is_bf16_supported(including_emulation=False) else ()))
    if kind == "mps" and torch.backends.mps.is_macos_or_newer(14, 0):
        return ("float32", "bfloat16")
    return ("float32", "bfloat16") if kind == "cpu" and has_bfloat16_units() else ("float32",)


def has_bfloat16_units() -> bool:
    """Whether this CPU multiplies matrices of bfloat16 in units of their own (Intel's AMX), as far as torch says."""
    import torch

    facts: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return bool(facts.get("amx_bf16"))


def check_precision(precision: str, device: torch.device) -> None:
    """Raises UsageError for a precision that `device` does not have; "auto" and "float32" are everywhere."""
    if precision in ("auto", "float32") or (precision == "bfloat16" and device.type == "cpu"):
        return
    offered = _precisions_of(device.type)
    if precision not in offered:
        raise UsageError(
            f"The precision {precision!r} is not to be had on {_device_name(device)}; expected one of: auto, "
            f"{', '.join(offered)}. Use --precision auto to take what is fastest for the study."
        )


def set_precision(precision: str, device: torch.device) -> None:
    """Let products of float32 be exact, or rounded where the precision is "tf32"; only CUDA has that choice.

    Torch by itself rounds convolutions and leaves matrix products exact: the CNN would be helped and the ViT not.
    Raises UsageError for a precision that `device` does not have.
    """
    check_precision(precision, device)
    if device.type != "cuda":
        return
    import torch

    # Both by the older switches: after a mix with the newer ones, torch refuses to say what is set.
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"


def set_again(precision: str, device: torch.device) -> None:
    """The arithmetic that a run of that precision was judged in, for one that is asked again, here or elsewhere.

    Networks are judged in float32 whatever they were trained in, rounded as tf32 where it was that and is to be had.
    """
    set_precision("tf32" if precision == "tf32" and "tf32" in _precisions_of(device.type) else "float32", device)


def set_threads(num_threads: int) -> None:
    """Use `num_threads` threads inside each operation, and one operation at a time."""
    assert num_threads >= 1, "a run needs at least one thread"
    import torch

    torch.set_num_threads(num_threads)
    # Torch allows this once, before the first parallel work; a second call in the same process changes nothing.
    with contextlib.suppress(RuntimeError):
        torch.set_num_interop_threads(1)


def tune_allocator() -> bool:
    """Make glibc keep big blocks of memory for the next step instead of handing them back; True when it obeyed.

    Must run before the first tensor is made.  Without it every training step takes its tensors anew from the kernel,
    page by page (1,500 to 2,900 page faults a step); with it the CNN trains 1.25 times as fast.  Elsewhere than on
    Linux with glibc it does nothing.
    """
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # Older versions of glibc refuse a threshold above 32 MiB.
    keeps_blocks = any(mallopt(_M_MMAP_THRESHOLD, size * _MEBIBYTE) for size in (1024, 32))
    keeps_top = mallopt(_M_TRIM_THRESHOLD, 2047 * _MEBIBYTE) and mallopt(_M_TOP_PAD, 256 * _MEBIBYTE)
    return bool(keeps_blocks and keeps_top)
