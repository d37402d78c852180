"""The content security policy of our pages (https://www.w3.org/TR/CSP3/): nothing from elsewhere, nothing inline, no code out of text."""


def policy(*, shown_by: str = "'none'", shows: str = "'none'") -> str:
    """`shown_by`: the sites that may have the page in a frame; `shows`: whose pages it may have in one itself."""
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
        f"connect-src 'self'; media-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-src {shows}; frame-ancestors {shown_by}"
    )
