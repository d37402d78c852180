"""Documents and answers over HTTP."""

from appliance.domains.knowledge.api import answers, documents, pieces

APIS = (documents.api, pieces.api, answers.api)

__all__ = ["APIS"]
