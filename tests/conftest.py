"""What holds for all tests, and what several files of them share."""

import gc
import io
import os
import pickle
import signal

import pytest
import torch
from hydra._internal import defaults_list
from omegaconf import OmegaConf

from tests.fakes import clip_database
from tests.stores import WebServer, object_store
from vqa.features.extraction.cache import FeatureCache

# MKL keeps buffers by the number of the thread. A forked process that gets the number of an earlier
# thread waits for ever for its buffers, which was seen when the numbers had wrapped around.
os.environ["MKL_DISABLE_FAST_MM"] = "1"

# The tests' tensors are small: on busy cores, sharing them out makes steps many times slower.
torch.set_num_threads(1)

# What a script starts in the background ignores Ctrl-C, and so do the processes of its tests.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items):
    """Begin with the modules of long tests, or one process would end with them alone."""

    def quick(item):
        return all(mark.name != "slow" for mark in item.getparent(pytest.Module).own_markers)

    items.sort(key=quick)


def pytest_collection_finish():
    """Spare the garbage collector what the whole session keeps: all tests, and their imports."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    """Let the interpreter collect everything when it ends; Triton's bindings count what is left."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def parsed_once():
    """Parse each YAML file once: reading conf/ again is a quarter of the time of a command line."""
    parse, known = OmegaConf.load, {}

    def load(file):
        if not isinstance(file, io.TextIOWrapper):
            return parse(file)
        state = os.fstat(file.fileno())
        key = (file.name, state.st_mtime_ns, state.st_size)
        if key not in known:
            known[key] = pickle.dumps(parse(file))
        return pickle.loads(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(OmegaConf, "load", staticmethod(load))
        yield


@pytest.fixture(scope="session", autouse=True)
def choices_on_demand():
    """Let Hydra map the choices only where a name needs them: a fifth of the time of composing."""
    choices_of = defaults_list._create_interpolation_map

    def map_of(overrides, defaults, self_added):
        needed = any(one.is_interpolation() for one in defaults)
        return choices_of(overrides, defaults, self_added) if needed else OmegaConf.create()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(defaults_list, "_create_interpolation_map", map_of)
        yield


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """A database of six real clips; to be read only."""
    return clip_database(tmp_path_factory.mktemp("clips"))


@pytest.fixture
def clips_cache(tmp_path):
    """An empty cache for features of `clips`."""
    return FeatureCache(tmp_path / "cache", "mean-colour", "f" * 64)


@pytest.fixture(scope="session")
def _store_environment():
    with object_store() as environment:
        yield environment


@pytest.fixture
def store(_store_environment, monkeypatch):
    """S3 on this machine, as a file system of fsspec; the environment leads to it."""
    for name, value in _store_environment.items():
        monkeypatch.setenv(name, value)
    import s3fs

    return s3fs.S3FileSystem(use_listings_cache=False)


@pytest.fixture
def quick_retries(monkeypatch):
    """Let no time pass before another try at a file elsewhere."""
    monkeypatch.setattr("vqa.remote.objects.WAIT_S", 0.001)


@pytest.fixture
def web():
    """A web server on this machine."""
    server = WebServer()
    yield server
    server.stop()
