"""SalesEdge: a company's own sales and service AI, on its own hardware."""

__version__ = "0.2.0"

import sys

UNASKED = "opentelemetry.metrics"
# The client of Redis imports it wherever it is installed, to measure itself: 0.2 s and 3 MB a process. Tracing takes the ban away.
sys.modules.setdefault(UNASKED, None)  # type: ignore[arg-type]  # Python's own way to say that a module is not to be had
