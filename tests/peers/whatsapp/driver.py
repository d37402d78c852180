"""`python -m tests.peers.whatsapp.driver`: the real child, with the library that lies beside the certificates it trusts."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(os.environ["SSL_CERT_FILE"]).parent))

from appliance.domains.channels.gateways.qr.driver import main

if __name__ == "__main__":
    main()
