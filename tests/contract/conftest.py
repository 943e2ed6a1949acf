"""Every way to keep the store. A new one joins the list and takes the same tests."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.store.database import driver
from tests.stores import Opened, opened

SQLITES = {module.sqlite_version: module for module in (sqlite3, driver())}


@pytest.fixture(params=sorted(SQLITES), ids=lambda version: f"sqlite-{version}")
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    with opened(tmp_path, SQLITES[request.param]) as everything:
        yield everything
