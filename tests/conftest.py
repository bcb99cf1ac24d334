"""What tests share: the option that writes golden texts anew, an object store, and a browser where there is one."""

import shutil

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


@pytest.fixture
def s3(monkeypatch):
    """A client of an S3 server that has no bucket yet, which the environment points to."""
    s3fs = pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    yield s3fs.S3FileSystem(skip_instance_cache=True)
    server.stop()


@pytest.fixture(scope="session")
def chromium():
    """Opens Chromium without a window, driven by playwright, with switches; skips where either is missing."""
    names = ("chromium", "chromium-browser", "google-chrome")
    chromium = next(filter(None, map(shutil.which, names)), None)
    if chromium is None:
        pytest.skip("there is no Chromium on this machine")
    api = pytest.importorskip("playwright.sync_api", reason="the browser is driven by the package playwright")
    with api.sync_playwright() as play:

        def launch(*switches: str):
            return play.chromium.launch(executable_path=chromium, args=["--no-sandbox", *switches])

        yield launch


@pytest.fixture(scope="session")
def browser(chromium):
    """Chromium without a window."""
    opened = chromium()
    yield opened
    opened.close()
