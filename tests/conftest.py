from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.mesh.running import Mesh, missing, running


@pytest.fixture(scope="session")
def _running_mesh() -> Iterator[Mesh]:
    """One mesh for all tests of this process: a worker of xdist has its own."""
    if why_not := missing():
        pytest.skip(why_not)
    with running() as mesh:
        yield mesh


@pytest.fixture
def mesh(_running_mesh: Mesh) -> Iterator[Mesh]:
    """The mesh of `tests/mesh`, whole and under its usual load at the start of each test."""
    yield _running_mesh
    _running_mesh.mend()
