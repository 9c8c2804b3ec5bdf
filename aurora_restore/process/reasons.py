"""Why a request to a server failed, in the words of the system alone."""

from urllib.error import HTTPError, URLError


def reason(error: OSError) -> str:
    """Return the reason without what urllib puts around it: `<urlopen error [Errno 111] …>`."""
    if isinstance(error, HTTPError):
        return str(error)
    inner = error.reason if isinstance(error, URLError) else error
    return getattr(inner, "strerror", None) or str(inner)
