"""SalesEdge: a company's own sales and service AI, on its own hardware."""

__version__ = "0.1.0"
