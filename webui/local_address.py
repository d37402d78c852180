from urllib.parse import urlsplit


def local_url(target: str, default: str = "/") -> str:
    """`target` when it is a path on this box, so that no link in a mail can send a person elsewhere after signing in."""
    parts = urlsplit(target) if target.isprintable() else None
    is_local = parts is not None and not parts.netloc and not parts.scheme
    return target if is_local and target.startswith("/") and not target.startswith(("//", "/\\")) else default
