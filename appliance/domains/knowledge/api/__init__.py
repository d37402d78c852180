"""Documents and answers over HTTP."""

from appliance.domains.knowledge.api import answers, documents

APIS = (documents.api, answers.api)

__all__ = ["APIS"]
