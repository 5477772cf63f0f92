"""load_adapter: what a target string may be, what becomes of it, and what is said when it can't be used.

Every case imports a real throw-away module from a folder of its own.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent
from typing import Any

import pytest

from nq_conformance import Adapter, Capability, Service, Setting
from nq_conformance.adapters.errors import TargetError
from nq_conformance.adapters.loading import load_adapter

WriteModule = Callable[[str], str]

ASYNC_METHODS = (
    "init",
    "close",
    "enqueue",
    "schedule",
    "get_job",
    "get_jobs",
    "pause",
    "resume",
    "is_paused",
    "get_job_counts",
)

MANAGER = """
class Manager:
    def __init__(self, *args, **kwargs): self.args, self.kwargs = args, kwargs
    async def register_worker(self, *args): ...
    def get_worker(self, *args): ...
    async def close_all(self): ...
"""

_serial = itertools.count()


def provider(body: str = "", *, name: str = "Provider", without: tuple[str, ...] = ()) -> str:
    """Source of a provider class with every method of the contract but those in ``without``."""
    methods = [f"async def {method}(self, *args): ..." for method in ASYNC_METHODS if method not in without]
    if "on" not in without:
        methods.append("def on(self, *args): return lambda: None")
    return f"class {name}:\n" + indent("\n".join([*methods, dedent(body)]), "    ") + "\n"


@pytest.fixture
def write_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WriteModule:
    """Write source to a module with a name of its own, importable for this test; returns the name."""

    def write(source: str) -> str:
        name = f"throwaway_{next(_serial)}"
        (tmp_path / f"{name}.py").write_text(dedent(source), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        return name

    return write


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    """A setting in which every field can be told from the others; the contexts are only handed on."""
    marks: dict[str, Any] = {"events": "events", "state": "state", "flow": "flow"}
    return Setting("space", **marks, url="redis://here", dsn="postgres://here", directory=tmp_path)


def error_of(target: str, worker_manager: str | None = None) -> str:
    """The message with which loading the target fails."""
    with pytest.raises(TargetError) as caught:
        load_adapter(target, worker_manager=worker_manager)
    return str(caught.value)


# ---- adapters


ADAPTER = f"""
from nq_conformance import Adapter, Capability, Service
{provider()}
class Mine(Adapter):
    name = "mine"
    service = Service.REDIS
    capabilities = {{Capability.DURABLE}}
    def provider(self, setting): return Provider()
made = Mine()
class Outer:
    Inner = Mine
"""


@pytest.mark.parametrize("name", ["Mine", "made", "Outer.Inner"])
def test_an_adapter_is_taken_as_class_or_instance_under_any_qualified_name(
    write_module: WriteModule, name: str
) -> None:
    """A proper Adapter comes back as itself, not wrapped."""
    module = write_module(ADAPTER)
    assert type(load_adapter(f"{module}:{name}")) is sys.modules[module].Mine


def test_an_adapter_without_a_name_is_called_by_its_class(write_module: WriteModule) -> None:
    """The documented default of ``Adapter.name`` is filled in."""
    module = write_module(ADAPTER.replace('name = "mine"', ""))
    assert load_adapter(f"{module}:Mine").name == "mine"


def test_capabilities_given_as_text_become_capabilities(write_module: WriteModule) -> None:
    """Membership tests with ``Capability`` must work, and an enum member does not hash as its text."""
    module = write_module(ADAPTER.replace("{Capability.DURABLE}", '["durable", "cron"]'))
    assert load_adapter(f"{module}:Mine").capabilities == {Capability.DURABLE, Capability.CRON}


DUCK = f"""
{provider()}
class Duck:
    name = "duck"
    service = "postgres"
    capabilities = ["cron"]
    def provider(self, setting): return ("provider for", setting)
    def worker_manager(self, provider, setting): return ("manager for", provider, setting)
made = Duck()
"""


@pytest.mark.parametrize("name", ["Duck", "made"])
def test_an_object_of_an_adapters_shape_needs_no_import_of_ours(
    write_module: WriteModule, setting: Setting, name: str
) -> None:
    """Its attributes are brought to our types and its calls are passed on."""
    adapter: Any = load_adapter(f"{write_module(DUCK)}:{name}")
    made = adapter.provider(setting)
    facts = (adapter.name, adapter.service, adapter.capabilities, adapter.async_backends, adapter.has_workers)
    assert facts == ("duck", Service.POSTGRES, {Capability.CRON}, ("asyncio",), True)
    assert adapter.worker_manager(made, setting) == ("manager for", ("provider for", setting), setting)


def test_an_object_of_an_adapters_shape_may_have_no_workers(write_module: WriteModule) -> None:
    """Without ``worker_manager`` only the provider's rules can run."""
    module = write_module(DUCK.replace("def worker_manager", "def another"))
    assert not load_adapter(f"{module}:Duck").has_workers


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("def provider", "def another", "class Mine is abstract.\nTo mend it: write provider"),
        ('name = "mine"', "name = 7", "its name is 7, and a str is needed"),
        ("Service.REDIS", '"reddis"', "use a Service, or one of the names none, redis, postgres, directory"),
        (
            "{Capability.DURABLE}",
            '{"durabel"}',
            "capabilities name 'durabel', unknown to the kit. Near: durable.",
        ),
        ("{Capability.DURABLE}", '"durable"', "a collection of names is needed"),
        ('name = "mine"', 'async_backends = ["curio"]', "use these names: asyncio, trio, uvloop"),
        ('name = "mine"', "async_backends = []", "so nothing could run"),
        ("def provider", "async def provider", "its provider is async"),
        ('name = "mine"', "def __init__(self, url): ...", "class Mine requires url"),
        (
            'name = "mine"',
            "def __init__(self): self.x = 1 / 0",
            "ZeroDivisionError: division by zero\n    at ",
        ),
    ],
)
def test_an_adapter_with_a_fault_is_told_what_it_is(
    write_module: WriteModule, was: str, becomes: str, said: str
) -> None:
    """One fault at a time, in an adapter that is otherwise good."""
    source = ADAPTER.replace("made = Mine()", "")
    assert was in source
    assert said in error_of(f"{write_module(source.replace(was, becomes))}:Mine")


# ---- bare providers


@pytest.mark.parametrize(
    ("parameter", "service", "field"),
    [
        ("url", Service.REDIS, "url"),
        ("redis_url", Service.REDIS, "url"),
        ("dsn", Service.POSTGRES, "dsn"),
        ("postgres_dsn", Service.POSTGRES, "dsn"),
        ("directory", Service.DIRECTORY, "directory"),
        ("path", Service.DIRECTORY, "directory"),
        ("prefix", Service.NONE, "namespace"),
        ("namespace", Service.NONE, "namespace"),
        ("schema", Service.NONE, "namespace"),
    ],
)
def test_a_constructor_parameter_says_which_service_is_needed_and_is_given_its_value(
    write_module: WriteModule, setting: Setting, parameter: str, service: Service, field: str
) -> None:
    """The table of names in the contract, one by one."""
    module = write_module(provider(f"def __init__(self, {parameter}): self.given = {parameter}"))
    adapter: Any = load_adapter(f"{module}:Provider")
    assert adapter.service is service
    assert adapter.provider(setting).given == getattr(setting, field)


@pytest.mark.parametrize(
    ("signature", "given"),
    [
        ("url='redis://own', timeout=3", {"url": "redis://here", "timeout": 3}),
        ("url, path=None", {"url": "redis://here", "path": None}),
        ("*args, prefix='p', **options", {"args": (), "prefix": "space", "options": {}}),
        ("timeout=3, url=None, /, retries=1", {"timeout": 3, "url": "redis://here", "retries": 1}),
    ],
)
def test_known_parameters_are_filled_and_others_with_defaults_are_left_alone(
    write_module: WriteModule, setting: Setting, signature: str, given: dict[str, object]
) -> None:
    """Also where a default would do, where another service's is optional, and by position."""
    body = f"def __init__(self, {signature}): self.given = dict(locals()); del self.given['self']"
    adapter: Any = load_adapter(f"{write_module(provider(body))}:Provider")
    assert adapter.provider(setting).given == given


@pytest.mark.parametrize(
    ("class_name", "body", "name"),
    [
        ("MemoryProvider", "", "memory"),
        ("FastQueue", "", "fastqueue"),
        ("MemoryProvider", "name = 'chosen'", "chosen"),
        ("MemoryProvider", "name = property(lambda self: 'other')", "memory"),
    ],
)
def test_a_bare_provider_has_a_short_name(
    write_module: WriteModule, class_name: str, body: str, name: str
) -> None:
    """The class's ``name``, else the class's own name without 'provider'."""
    module = write_module(provider(body, name=class_name))
    assert load_adapter(f"{module}:{class_name}").name == name


def test_a_class_called_just_provider_is_named_by_its_module(write_module: WriteModule) -> None:
    """Nothing is left of the class's name, so the module's last part serves."""
    module = write_module(provider())
    assert load_adapter(f"{module}:Provider").name == module


def test_claims_of_a_bare_provider_are_read_from_its_class(write_module: WriteModule) -> None:
    """Capabilities by name, and its event loops."""
    body = "capabilities = ['durable']\nasync_backends = {'trio'}"
    adapter = load_adapter(f"{write_module(provider(body))}:Provider")
    assert (adapter.capabilities, adapter.async_backends) == ({Capability.DURABLE}, ("trio",))


def test_a_bare_provider_runs_on_asyncio_and_claims_nothing_unless_it_says_so(
    write_module: WriteModule,
) -> None:
    """The defaults of the contract."""
    adapter = load_adapter(f"{write_module(provider())}:Provider")
    assert (adapter.capabilities, adapter.async_backends) == (frozenset(), ("asyncio",))


@pytest.mark.parametrize(
    "factory",
    [
        "def make_provider(url): return Provider(url)",
        "def make_provider(url) -> Provider: return Provider(url)",
        "make_provider = __import__('functools').partial(Provider)",
    ],
)
def test_a_factory_serves_as_a_bare_provider(
    write_module: WriteModule, setting: Setting, factory: str
) -> None:
    """Its parameters are matched like a constructor's."""
    module = write_module(provider("def __init__(self, url): self.url = url") + factory)
    adapter: Any = load_adapter(f"{module}:make_provider")
    assert adapter.service is Service.REDIS
    assert adapter.provider(setting).url == "redis://here"


def test_the_class_that_a_factory_names_speaks_for_it(write_module: WriteModule) -> None:
    """Claims, name and worker manager are known before a provider is made."""
    body = "capabilities = ['cron']\nname = 'annotated'\ndef worker_manager(self): ..."
    module = write_module(provider(body) + "def make() -> Provider: return Provider()")
    adapter = load_adapter(f"{module}:make")
    facts = (adapter.name, adapter.capabilities, adapter.has_workers)
    assert facts == ("annotated", {Capability.CRON}, True)


def test_a_factory_that_returns_no_provider_is_told_when_it_is_called(
    write_module: WriteModule, setting: Setting
) -> None:
    """What it returns is known only then."""
    adapter = load_adapter(f"{write_module('def make(): return {}')}:make")
    with pytest.raises(TargetError, match="it returned a dict, which lacks QueueProvider's init"):
        adapter.provider(setting)


def test_what_a_constructor_raises_reaches_the_caller(write_module: WriteModule, setting: Setting) -> None:
    """The provider is made for a test, and that test has to see its error."""
    adapter = load_adapter(f"{write_module(provider('def __init__(self): raise OSError(5)'))}:Provider")
    with pytest.raises(OSError, match="5"):
        adapter.provider(setting)


def test_a_setting_without_the_needed_address_is_the_callers_fault(
    write_module: WriteModule, setting: Setting
) -> None:
    """A provider is never made with ``None`` for an address."""
    adapter = load_adapter(f"{write_module(provider('def __init__(self, url): ...'))}:Provider")
    bare = Setting("space", setting.events, setting.state, setting.flow)
    with pytest.raises(ValueError, match="'url' needs the setting's url, which is None"):
        adapter.provider(bare)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            provider("def __init__(self, host, port): ..."),
            "Provider() requires 'host', 'port', unknown to the kit",
        ),
        (provider("def __init__(self, host): ..."), "known names are url, redis_url, dsn, postgres_dsn"),
        (provider("def __init__(self, url, dsn): ..."), "more than one service: postgres and redis"),
        (provider(without=("pause", "on")), "class Provider lacks QueueProvider's pause, on."),
        (provider("def enqueue(self): ...", without=("enqueue",)), "enqueue is a plain method ("),
        (provider("async def get_jobs(self): yield", without=("get_jobs",)), "get_jobs is a plain method ("),
        (provider("async def on(self): ...", without=("on",)), "on is async ("),
        (provider("capabilities = ['distribted']"), "Near: distributed,"),
        (provider("async_backends = 'trio'"), "a collection of names is needed"),
        (provider("async def worker_manager(self): ..."), "its worker_manager is async"),
        (provider("worker_manager = 3"), "its worker_manager is of type int"),
        (
            provider("def worker_manager(self, bus): ..."),
            "worker_manager() requires 'bus', unknown to the kit",
        ),
        ("async def Provider(): ...", "it is an async function"),
        (
            "Provider = 3",
            "it is of type int, neither an adapter nor a provider, which would have init, close",
        ),
        ("import json as Provider", "it is a module"),
        (MANAGER.replace("Manager", "Provider"), "name the provider as the adapter, and this manager as"),
        (
            "from nq_conformance.contract import QueueProvider as Provider",
            "lacks QueueProvider's init, close",
        ),
    ],
)
def test_a_bare_provider_with_a_fault_is_told_what_it_is(
    write_module: WriteModule, source: str, said: str
) -> None:
    """One fault at a time, in a provider that is otherwise good."""
    assert said in error_of(f"{write_module(source)}:Provider")


def test_an_instance_of_a_provider_is_answered_with_the_class_to_give(write_module: WriteModule) -> None:
    """Each test needs a provider of its own."""
    module = write_module(provider(name="Thing") + "made = Thing()")
    assert f"give the class: {module}:Thing." in error_of(f"{module}:made")


def test_a_stub_inherited_from_the_protocol_counts_as_missing(write_module: WriteModule) -> None:
    """It has no body: it would answer ``None`` to everything."""
    source = "from nq_conformance.contract import QueueProvider\n" + provider(without=("get_jobs",))
    module = write_module(source.replace("class Provider:", "class Provider(QueueProvider):"))
    assert "class Provider lacks QueueProvider's get_jobs." in error_of(f"{module}:Provider")


@pytest.mark.parametrize(
    "method",
    [
        "def enqueue(self, *args) -> 'asyncio.Future[str]': ...",
        "def enqueue(self, *args) -> __import__('typing').Awaitable[str]: ...",
        "enqueue = (lambda f: __import__('functools').wraps(f)(lambda *a: f(*a)))(init)",
        "enqueue = __import__('functools').partialmethod(print)",
    ],
)
def test_a_method_that_returns_an_awaitable_need_not_be_async(write_module: WriteModule, method: str) -> None:
    """Annotated so, wrapping a coroutine function, or beyond our sight."""
    module = write_module(provider(method, without=("enqueue",)))
    assert isinstance(load_adapter(f"{module}:Provider"), Adapter)


# ---- worker managers


def test_a_provider_without_a_manager_has_no_workers(write_module: WriteModule) -> None:
    """Only the provider's rules run then."""
    assert not load_adapter(f"{write_module(provider())}:Provider").has_workers


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("def worker_manager(self, *, events, state, flow): return events, state, flow", "events state flow"),
        ("def worker_manager(self, flow, retries=3): return flow,", "flow"),
        ("def worker_manager(self, events, /): return events,", "events"),
        ("def worker_manager(self): return ()", ""),
        ("@staticmethod\ndef worker_manager(state): return state,", "state"),
    ],
)
def test_a_providers_own_manager_is_given_what_its_method_names(
    write_module: WriteModule, setting: Setting, method: str, given: str
) -> None:
    """By name, whatever the kind of parameter or method."""
    adapter: Any = load_adapter(f"{write_module(provider(method))}:Provider")
    assert adapter.has_workers
    assert adapter.worker_manager(adapter.provider(setting), setting) == tuple(given.split())


def test_a_named_manager_is_built_with_the_provider_and_the_setting(
    write_module: WriteModule, setting: Setting
) -> None:
    """It takes the names that a provider's constructor may have, too."""
    init = "def __init__(self, provider, events, url, prefix): self.args = (provider, events, url, prefix)"
    lines = MANAGER.replace(
        "def __init__(self, *args, **kwargs): self.args, self.kwargs = args, kwargs", init
    )
    module = write_module(provider() + lines)
    adapter: Any = load_adapter(f"{module}:Provider", worker_manager=f"{module}:Manager")
    made = adapter.provider(setting)
    assert adapter.worker_manager(made, setting).args == (made, "events", "redis://here", "space")


def test_a_named_manager_may_need_the_service_that_its_provider_does_not(write_module: WriteModule) -> None:
    """The adapter then needs what the manager does."""
    module = write_module(provider() + "def manager(provider, url): ...")
    adapter = load_adapter(f"{module}:Provider", worker_manager=f"{module}:manager")
    assert adapter.service is Service.REDIS


def test_a_named_manager_comes_before_the_providers_own(write_module: WriteModule, setting: Setting) -> None:
    """What is asked for on the command line holds."""
    module = write_module(
        provider("def worker_manager(self): return 'own'") + "def manager(): return 'named'"
    )
    adapter: Any = load_adapter(f"{module}:Provider", worker_manager=f"{module}:manager")
    assert adapter.worker_manager(adapter.provider(setting), setting) == "named"


@pytest.mark.parametrize(
    ("manager", "said"),
    [
        ("class Manager: ...", "class Manager lacks WorkerManager's register_worker, get_worker, close_all."),
        (MANAGER.replace("async def close_all", "def close_all"), "close_all is a plain method ("),
        ("Manager = 3", "it is of type int and can't be called"),
        ("async def Manager(): ...", "it is an async function"),
        ("def Manager(provider, pool): ...", "known names are provider, events, state, flow, url"),
        ("def Manager(dsn): ...", "counting what its provider asks for: postgres and redis"),
        ("", "has no 'Manager'"),
    ],
)
def test_a_named_manager_with_a_fault_is_told_what_it_is(
    write_module: WriteModule, manager: str, said: str
) -> None:
    """The message names the manager's target, not the provider's."""
    module = write_module(provider("def __init__(self, url): ...") + manager)
    message = error_of(f"{module}:Provider", f"{module}:Manager")
    assert message.startswith(f"'{module}:Manager' cannot be used as the worker manager: ")
    assert said in message


def test_an_adapter_takes_no_named_manager(write_module: WriteModule) -> None:
    """It brings its own."""
    module = write_module(ADAPTER)
    assert "is an adapter, which brings its own" in error_of(f"{module}:Mine", f"{module}:Manager")


# ---- targets that lead nowhere


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("mypkg", "it has no colon.\nTo mend it: write module.path:Name, as in mypkg:Provider."),
        ("mypkg.queues.Provider", "as in mypkg.queues:Provider."),
        ("src/mypkg/queues.py:Provider", "as in mypkg.queues:Provider."),
        ("mypkg:", "the part after the colon, '', is not a Python name"),
        (":Provider", "the part before the colon, '', is not a Python name"),
        (".queues:Provider", "is not a Python name"),
        ("my-pkg:Provider", "'my-pkg', is not a Python name"),
        ("stdio:", "there is no command behind stdio:"),
        ("stdio:no-such-program-here", "it could not be started"),
    ],
)
def test_a_malformed_target_is_answered_with_the_right_form(target: str, said: str) -> None:
    """Nothing is imported for it."""
    assert said in error_of(target)


def test_a_package_that_is_nowhere_is_told_with_the_place_that_was_searched() -> None:
    """Which Python, which folder, and whether that folder is searched."""
    message = error_of("no_such_package.queues:Provider")
    assert "no module 'no_such_package' was found." in message
    assert sys.executable in message
    assert f"Current folder: {Path.cwd()}" in message


@pytest.mark.parametrize("folder", ["", "src"])
def test_a_package_that_lies_at_hand_but_not_on_the_path_is_pointed_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """In the current folder, or in its src."""
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "at_hand.py").write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry])
    assert f"Put PYTHONPATH={tmp_path / folder} before the command" in error_of("at_hand:Provider")


def test_a_missing_module_of_a_package_that_is_there_is_told_from_a_missing_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package's modules are named, the near one first."""
    package = tmp_path / "throwaway_package"
    package.mkdir()
    for name in ("__init__", "queues", "other"):
        (package / f"{name}.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    message = error_of("throwaway_package.queus:Provider")
    assert "it has no module 'queus'. Near: queues." in message
    assert "name one of its modules: other, queues." in message


def test_a_module_taken_for_a_package_is_told(write_module: WriteModule) -> None:
    """A single file has no modules in it."""
    module = write_module(provider())
    assert f"is a single file, so there is no '{module}.queues'" in error_of(f"{module}.queues:Provider")


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("import no_such_client", "ModuleNotFoundError: No module named 'no_such_client'"),
        ("x = 1 / 0", "ZeroDivisionError: division by zero"),
        ("def (:", "SyntaxError: "),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("from json import no_such_name", "ImportError: cannot import name 'no_such_name'"),
        ("__import__('json').loads('{')", "json.decoder.JSONDecodeError: "),
    ],
)
def test_a_module_that_fails_to_import_is_told_by_its_own_error_and_line(
    tmp_path: Path, write_module: WriteModule, line: str, error: str
) -> None:
    """The line is the author's, also where a library raised."""
    module = write_module("'''two lines before'''\n\n" + line)
    message = error_of(f"{module}:Provider")
    assert f"'{module}' was found, but importing it failed:\n    {error}" in message
    assert f"\n    at {tmp_path / module}.py:3: {line}" in message


def test_a_missing_dependency_is_answered_with_what_to_install(write_module: WriteModule) -> None:
    """For the Python that runs, which may not be the one its reader thinks of."""
    module = write_module("import no_such_client")
    assert f"install what provides 'no_such_client' for {sys.executable}" in error_of(f"{module}:Provider")


def test_a_missing_name_is_answered_with_near_ones_and_with_what_is_there(write_module: WriteModule) -> None:
    """Modules that it imports are no offer."""
    module = write_module("import json\nclass Provider: ...\nclass Manager: ...\n_private = 1")
    message = error_of(f"{module}:Provder")
    assert "has no 'Provder'. Near: Provider." in message
    assert "To mend it: name what is there: Manager, Provider." in message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raise RuntimeError('no backend')", "RuntimeError: no backend\n    at "),
        ("None.nothing", "AttributeError: 'NoneType' object has no attribute 'nothing'\n    at "),
        ("import no_such_client", "To mend it: install what provides 'no_such_client'"),
    ],
)
def test_a_name_whose_reading_fails_is_told_by_its_own_error(
    write_module: WriteModule, line: str, said: str
) -> None:
    """A module may make what it offers when it is first asked for."""
    module = write_module(f"__all__ = ['Provider']\ndef __getattr__(name): {line}")
    assert said in error_of(f"{module}:Provider")
