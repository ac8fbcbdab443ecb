"""The kernel is built once and kept with pytest's own cache."""

import os

import pytest

from chainrule.train.fast.build import compiler


@pytest.fixture(scope="session", autouse=True)
def _kernels(pytestconfig):
    if compiler() is None:
        pytest.skip("there is no C++ compiler")
    before = os.environ.get("CHAINRULE_CACHE")
    os.environ["CHAINRULE_CACHE"] = str(pytestconfig.cache.mkdir("kernels"))
    yield
    os.environ.pop("CHAINRULE_CACHE")
    if before is not None:
        os.environ["CHAINRULE_CACHE"] = before
