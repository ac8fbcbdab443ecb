"""What is compiled needs a compiler."""

import pytest

from chainrule.compiled.toolchain import compiler


@pytest.fixture(scope="session", autouse=True)
def _compiler():
    if compiler() is None:
        pytest.skip("there is no C++ compiler")
