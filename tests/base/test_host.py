"""Facts of the machine, and the switches."""

from __future__ import annotations

import platform
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import eyechart
from eyechart.base import host
from eyechart.base.errors import UsageError
from eyechart.schema import Host

HAS_BFLOAT16_UNITS = host.has_bfloat16_units  # before the session pretends that there are none
NEEDS_GIT = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=Someone", "-c", "user.email=someone@example.org"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def run_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    package = tmp_path / "src" / "eyechart"
    package.mkdir(parents=True)
    (package / "host.py").write_text("x = 1\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "first")
    return package


def test_facts_of_this_machine():
    facts = host.host_facts(None, num_threads=3)
    assert facts.device == "cpu"
    assert facts.num_threads == 3
    assert facts.python == platform.python_version()
    assert facts.num_cores >= 1
    assert facts.memory_bytes > 2**28
    assert facts.cpu
    assert facts.hostname == platform.node()
    import numpy

    assert facts.versions["numpy"] == numpy.__version__
    assert "pytest" not in facts.versions
    assert host.host_facts(None, 3, ("pytest", "no-such-package")).versions == facts.versions | {
        "pytest": pytest.__version__
    }
    assert Host.model_validate_json(facts.model_dump_json()) == facts


def test_facts_are_quick_and_need_no_torch():
    code = """
import sys, time
from eyechart.base import host
host._commit = lambda package: ""
host.host_facts(None, 1)
start = time.process_time()
host.host_facts(None, 1)
print(time.process_time() - start, "torch" in sys.modules)
"""
    seconds, loaded = run_python(code).split()
    assert float(seconds) < 0.5
    assert loaded == "False"


def test_the_commit_is_asked_of_our_own_package(monkeypatch: pytest.MonkeyPatch):
    """Wherever this module stands in it: a run that knows no commit cannot be traced."""
    monkeypatch.setattr(host, "_commit", lambda package: str(package))
    assert host.host_facts(None, 1).commit == str(Path(eyechart.__file__).resolve().parent)


@NEEDS_GIT
def test_commit_of_a_checkout(checkout: Path):
    clean = host._commit(checkout)
    assert len(clean) == 12
    int(clean, 16)
    (checkout.parent.parent / "notes.txt").write_text("not code")
    assert host._commit(checkout) == clean
    (checkout / "new.py").write_text("code that is not committed")
    assert host._commit(checkout) == f"{clean}-dirty"


@NEEDS_GIT
def test_somebody_elses_repository_is_not_ours(checkout: Path):
    installed = checkout.parent.parent / "venv" / "site-packages" / "eyechart"
    installed.mkdir(parents=True)
    assert host._commit(installed) == ""


def test_no_git_no_commit(checkout: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    assert host._commit(checkout) == ""


def test_cores_of_a_container(monkeypatch: pytest.MonkeyPatch):
    all_of_them = host.num_cores()
    monkeypatch.setattr(host, "_read", lambda path: "100000 100000\n")
    assert host.num_cores() == 1
    monkeypatch.setattr(host, "_read", lambda path: "50000 100000\n")
    assert host.num_cores() == 1, "half a core still runs one thread"
    monkeypatch.setattr(host, "_read", lambda path: "max 100000\n")
    assert host.num_cores() >= all_of_them


def test_cpu_name_from_the_kernel(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(host, "_read", lambda path: "processor\t: 0\nmodel name\t: Some CPU @ 2 GHz\n")
    assert host.cpu_name() == "Some CPU @ 2 GHz"


def test_the_cpu_is_always_there():
    assert host.select_device("cpu").type == "cpu"
    assert host.select_device("auto").type in ("cpu", "cuda", "mps")


@pytest.mark.parametrize(
    ("has_cuda", "has_mps", "expected"),
    [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_auto_takes_the_best(has_cuda: bool, has_mps: bool, expected: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: has_cuda)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: has_mps)
    assert host.select_device("auto").type == expected
    if has_cuda:
        assert host.select_device("cuda:1").index == 1
        with pytest.raises(UsageError, match="'cuda:2' is not on this machine"):
            host.select_device("cuda:2")


class Recorder:
    """Stands for torch.backends.cudnn or .cuda.matmul where there is no CUDA."""

    allow_tf32: bool | None = None


@pytest.mark.parametrize(
    ("capability", "hip", "precisions"),
    [
        ((9, 0), None, ["float32", "tf32", "bfloat16"]),
        ((7, 5), None, ["float32"]),
        ((9, 0), "6.2", ["float32", "bfloat16"]),
    ],
)
def test_what_a_cuda_device_computes(
    capability: tuple[int, int], hip: str | None, precisions: list[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda: capability)
    monkeypatch.setattr("torch.version.hip", hip)
    has_bfloat16 = bool(hip) or capability[0] >= 8
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: has_bfloat16)
    assert host.available_machines() == [("cpu", "float32"), *(("cuda", precision) for precision in precisions)]


@pytest.mark.parametrize(
    ("facts", "precisions"),
    [
        ({"amx_bf16": True}, ["float32", "bfloat16"]),
        ({"avx512_bf16": True, "amx_bf16": False}, ["float32"]),
        ({}, ["float32"]),
    ],
)
def test_what_a_cpu_computes(facts: dict[str, bool], precisions: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    monkeypatch.setattr("torch.cpu.get_capabilities", lambda: facts, raising=False)
    monkeypatch.setattr(host, "has_bfloat16_units", HAS_BFLOAT16_UNITS)
    assert host.available_machines() == [("cpu", precision) for precision in precisions]


def test_apple_s_devices_have_bfloat16_since_macos_14(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    monkeypatch.setattr("torch.backends.mps.is_macos_or_newer", lambda major, minor: major <= 14)
    assert host.available_machines() == [("cpu", "float32"), ("mps", "float32"), ("mps", "bfloat16")]
    monkeypatch.setattr("torch.backends.mps.is_macos_or_newer", lambda major, minor: False)
    assert host.available_machines() == [("cpu", "float32"), ("mps", "float32")]


@pytest.mark.parametrize(("precision", "rounded"), [("float32", False), ("tf32", True), ("bfloat16", False)])
def test_products_are_rounded_only_in_tf32(precision: str, rounded: bool, monkeypatch: pytest.MonkeyPatch):
    """Convolutions and matrix products alike; torch by itself rounds the first only."""
    import torch

    convolutions, products = Recorder(), Recorder()
    monkeypatch.setattr("torch.backends.cudnn", convolutions)
    monkeypatch.setattr("torch.backends.cuda.matmul", products)
    monkeypatch.setattr(host, "_precisions_of", lambda kind: ("float32", "tf32", "bfloat16"))
    host.set_precision(precision, torch.device("cuda"))
    assert (convolutions.allow_tf32, products.allow_tf32) == (rounded, rounded)
    convolutions.allow_tf32 = products.allow_tf32 = None
    host.set_again(precision, torch.device("cuda"))
    assert (convolutions.allow_tf32, products.allow_tf32) == (rounded, rounded), "asked again as it was judged"
    monkeypatch.setattr(host, "_precisions_of", lambda kind: ("float32",))
    host.set_again(precision, torch.device("cuda"))
    assert (convolutions.allow_tf32, products.allow_tf32) == (False, False), "an older card rounds nothing"
    convolutions.allow_tf32 = products.allow_tf32 = None
    host.set_precision("auto", torch.device("cpu"))
    assert (convolutions.allow_tf32, products.allow_tf32) == (None, None), "on a CPU nothing is touched"


@pytest.mark.parametrize(
    ("name", "words"),
    [("cuda", "'cuda' is not on this machine"), ("tpu", "'tpu' is not a device that eyechart knows"), ("", "''")],
)
def test_a_device_that_cannot_be(name: str, words: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(UsageError, match=words) as caught:
        host.select_device(name)
    assert "expected one of: auto, cpu. Use --device auto" in str(caught.value)


def test_threads_can_be_set_twice():
    code = """
import torch
from eyechart.base.host import set_threads
set_threads(2)
set_threads(1)
print(torch.get_num_threads(), torch.get_num_interop_threads())
"""
    assert run_python(code) == "1 1"


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has mallopt")
def test_the_allocator_keeps_big_blocks():
    """Taking and leaving 40 MB again and again costs page faults only when the kernel gets them back."""
    code = """
import resource
import torch
from eyechart.base.host import tune_allocator
if {tuned}:
    assert tune_allocator()
for _ in range(12):  # until the heap has found its size
    torch.ones(10_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(3):
    torch.ones(10_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    assert int(run_python(code.format(tuned=True))) < 0.2 * int(run_python(code.format(tuned=False)))


def test_elsewhere_the_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert host.tune_allocator() is False


def test_without_facts_from_the_kernel(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(host, "_read", lambda path: "")
    facts = host.host_facts(None, 1)
    assert facts.memory_bytes > 0
