"""`python -m tests.domains.channels.qr.supervising`: the supervisor as a process of its own, with the tests' driver, to be killed."""

from appliance.core import telemetry
from appliance.core.box import open_box
from appliance.core.config import load_settings
from appliance.entrypoints.domains import MANIFESTS
from appliance.entrypoints.sessions import Sessions
from tests.domains.channels.qr.conftest import DRIVER, QUICK


def main() -> None:
    settings = load_settings()
    telemetry.configure_logs(settings.logs.model_copy(update={"level": "error"}), "test")
    sessions = Sessions(open_box(settings, MANIFESTS), driver=DRIVER, patience=QUICK)
    sessions.open_door()
    sessions.watch()


if __name__ == "__main__":
    main()
