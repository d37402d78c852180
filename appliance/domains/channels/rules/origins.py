"""The sites that may show a chat, as a browser names them: scheme, host and, where it is not the usual one, port."""

import re
from urllib.parse import urlsplit

_HOST = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?|\[[0-9a-f:.]+\]")
_MEANT = re.compile(r"\.|:|^localhost$")  # one word alone is more often a slip than a machine of the house: that is written with http://
_USUAL = {"https": 443, "http": 80}


def origin_of(address: str) -> str | None:
    """`www.Loja.com/contato` → `https://www.loja.com`. None for what is no address of a site."""
    text = address.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        port = parts.port
    except ValueError:
        return None
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname or ""
    if parts.scheme not in _USUAL or not _HOST.fullmatch(host) or ("://" not in text and not _MEANT.search(host)):
        return None
    return f"{parts.scheme}://{host}" + (f":{port}" if port not in {None, _USUAL[parts.scheme]} else "")
