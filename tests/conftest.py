"""What every test shares: the option that writes golden texts anew."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="Write golden texts anew, to be read in the diff.")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether golden texts are written instead of compared."""
    return bool(request.config.getoption("--update"))
