"""One server a module, on a data directory of its own."""

from collections.abc import Iterator

import pytest

from tests.e2e.rest_client import Rest, Running, server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    limits = {"requests_per_minute": 100_000, "anonymous_per_minute": 100_000}
    with server(tmp_path_factory.mktemp("data"), limits=limits) as found:
        yield found


@pytest.fixture(scope="module")
def rest(running: Running) -> Rest:
    return running.rest
