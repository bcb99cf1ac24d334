"""What every test shares: the option that writes golden texts anew."""

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("seqspec", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("seqspec")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="Write golden texts anew, to be read in the diff.")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether golden texts are written instead of compared."""
    return bool(request.config.getoption("--update"))
