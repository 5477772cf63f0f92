"""Sets a run up: reads the options, loads what they name, registers the hooks that do the work.

Everything a user can get wrong is found here, in the controller, before anything runs.
"""

from __future__ import annotations

import uuid

import pytest

from nq_conformance.adapters.errors import TargetError
from nq_conformance.calibration import measure_time_scale
from nq_conformance.plugin import fixtures
from nq_conformance.plugin.blocking import Blocking
from nq_conformance.plugin.collection import Collection
from nq_conformance.plugin.ending import Ending
from nq_conformance.plugin.evidence import EvidenceKeeper
from nq_conformance.plugin.histories import Histories
from nq_conformance.plugin.options import Options, new_seed, read_options
from nq_conformance.plugin.places import PLACES, Places
from nq_conformance.plugin.processes import Workers, is_worker, worker_input
from nq_conformance.plugin.recording import Recording
from nq_conformance.plugin.run import RUN, Run, make_run
from nq_conformance.plugin.servers import Servers
from nq_conformance.report.report_file import ReportError, check_writable
from nq_conformance.report.waivers import WaiverError
from nq_conformance.requirements import PROFILES, UnknownRuleError

_ANYIO = "anyio.pytest_plugin"


def configure(config: pytest.Config) -> None:
    """Set up the run in this process; raises ``UsageError`` with a message for the user."""
    _check_async_plugins(config)
    try:
        run = _run(config, read_options(config))
    except (TargetError, UnknownRuleError, WaiverError, ReportError) as error:
        raise pytest.UsageError(_message(error)) from error
    config.stash[RUN] = run
    _add_markers(config, run)
    servers = Servers(config, run)
    config.stash[PLACES] = places = Places(run.name, servers)
    config.add_cleanup(places.close)
    collection, recording, keeper = Collection(run), Recording(run, servers), EvidenceKeeper(run)
    plugins = [fixtures, collection, servers, places, Blocking(run), recording, keeper]
    if run.options.histories is not None:
        plugins.append(Histories(run, run.options.histories))
    plugins.append(Workers(config, run, servers, keeper))
    if not is_worker(config):
        plugins.append(Ending(config, run, servers, keeper))
    for plugin in plugins:
        config.pluginmanager.register(plugin, f"nq-{_name(plugin)}")


def _run(config: pytest.Config, options: Options) -> Run:
    sent = worker_input(config)
    if sent is not None:
        return make_run(options, name=sent["name"], seed=sent["seed"], calibrated=sent["calibrated"])
    if options.report is not None:
        check_writable(options.report)
    seed = options.seed if options.seed is not None else new_seed()
    calibrated = measure_time_scale() if options.time_scale is None else 1.0
    return make_run(options, name=uuid.uuid4().hex[:8], seed=seed, calibrated=calibrated)


def _message(error: Exception) -> str:
    text = error.args[0] if isinstance(error, KeyError) and error.args else error
    return str(text)


def _check_async_plugins(config: pytest.Config) -> None:
    """The suite's tests are run by anyio's plugin, and by no other."""
    manager = config.pluginmanager
    if manager.is_blocked("anyio"):
        raise pytest.UsageError("The conformance suite needs anyio's pytest plugin: leave out -p no:anyio.")
    if not (manager.has_plugin("anyio") or manager.has_plugin(_ANYIO)):
        manager.import_plugin(_ANYIO)
    if manager.has_plugin("asyncio") and _asyncio_mode(config) == "auto":
        raise pytest.UsageError(
            "pytest-asyncio is in auto mode and would run the conformance suite on loops of its own.\n"
            "Add -o asyncio_mode=strict, or -p no:asyncio, to this command."
        )


def _asyncio_mode(config: pytest.Config) -> str:
    try:
        mode = config.getoption("asyncio_mode", default=None) or config.getini("asyncio_mode")
    except ValueError:
        return "strict"
    return str(getattr(mode, "value", mode))


def _add_markers(config: pytest.Config, run: Run) -> None:
    catalogue = run.scope.catalogue
    lines = ["nq_rule(id): the rule that a test of the conformance suite is about."]
    lines += [
        "nq_needs(capability): what an adapter must claim for the test to run, beside the rule's claims."
    ]
    lines += [f"{area.id.lower()}: rules of {area.id}, {area.title}." for area in catalogue.areas.values()]
    lines += [f"{level}: rules of this level." for level in ("must", "should", "may")]
    lines += [f"{profile}: rules of this profile." for profile in PROFILES]
    for line in lines:
        config.addinivalue_line("markers", line)


def _name(plugin: object) -> str:
    return "fixtures" if plugin is fixtures else type(plugin).__name__.lower()
