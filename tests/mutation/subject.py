"""What is judged: the memory adapter of the reference, made of files of which one may be changed."""

from __future__ import annotations

import functools
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType

from mutation.mutants import SOURCES, Mutant
from nq_conformance import Adapter, Setting
from nq_conformance.adapters.loading import load_adapter
from nq_conformance.contract import QueueProvider, WorkerManager

FILES = (
    "nq_conformance/contract/lifecycle.py",
    *(f"nq_reference/{name}.py" for name in ("codec", "failure", "names", "retry", "schedule", "validation")),
    *(
        f"nq_reference/engine/{name}.py"
        for name in ("dispatcher", "manager", "pace", "slots", "ticker", "worker")
    ),
    *(f"nq_reference/providers/{name}.py" for name in ("base", "memory", "payloads")),
    *(f"nq_reference/runner/{name}.py" for name in ("attempt", "bus", "context", "step")),
    *(f"nq_reference/sources/memory/{name}.py" for name in ("listening", "queue", "source")),
)
"""What the memory adapter consists of. Not among them: ``background``, which knows event loops and
nothing of jobs, and the engine's lock keeper and guard, for locks in memory never expire."""

_TARGET = "nq_reference:MemoryProvider"


class Subject(Adapter):
    """The memory adapter as this process knows it when the first test asks for it."""

    name = "memory"
    capabilities = load_adapter(_TARGET).capabilities

    def provider(self, setting: Setting) -> QueueProvider:
        """A provider of the adapter."""
        return load().provider(setting)

    def worker_manager(self, provider: QueueProvider, setting: Setting) -> WorkerManager:
        """A manager of the adapter."""
        return load().worker_manager(provider, setting)


@functools.cache
def load() -> Adapter:
    """The memory adapter, imported when this process first asks for it."""
    return load_adapter(_TARGET)


def forget() -> None:
    """Have this process import the reference anew, and the table of moves that it obeys. The kit,
    which has its own hold on what it judges by, keeps what it has."""
    for name in [n for n in sys.modules if n.split(".")[0] == "nq_reference" or n.endswith(".lifecycle")]:
        del sys.modules[name]


def put_in(mutant: Mutant) -> None:
    """Have this process import the mutant in place of its file."""
    forget()
    sys.meta_path.insert(0, _Finder(mutant))


class _Finder(MetaPathFinder):
    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if fullname != self._mutant.module:
            return None
        file = str(SOURCES / self._mutant.path)
        return spec_from_file_location(fullname, file, loader=_Loader(fullname, file, self._mutant.text))


class _Loader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, text: str) -> None:
        super().__init__(fullname, path)
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return compile(self._text, self.path, "exec", dont_inherit=True)
