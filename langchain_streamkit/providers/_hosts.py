"""Which row a URL belongs to.

Strategy: a URL decides which key goes where, so one strict expression reads it, and
a URL that does not fit belongs to no row: user names, backslashes, white space,
percent signs and letters outside ASCII cannot stand in its host. The patterns of
all rows become one index, in which a host is a dictionary access, and the few
patterns with a star are tried after that.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from langchain_streamkit.providers._provider import Provider

__all__ = ["HostIndex", "Origin", "find_pattern_error", "owns", "parse_origin"]

# ASCII keeps IGNORECASE from taking the Kelvin sign for a k.
_ORIGIN = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?"
    r"(?::([0-9]{0,5}))?(?=[/?#]|\Z)",
    re.ASCII | re.IGNORECASE,
)
_PATTERN = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[a-z0-9_*-]+(?:\.[a-z0-9_*-]+)*)(?::(?P<port>[0-9]+))?",
    re.ASCII,
)
_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65_535


class Origin(NamedTuple):
    """The part of a URL that says who answers.

    Attributes:
        scheme: ``http`` or ``https``.
        host: In lower case, without a dot at its end.
        port: The scheme's own where the URL names none.
    """

    scheme: str
    host: str
    port: int


def parse_origin(url: str) -> Origin | None:
    """The origin of a URL, or None where nothing certain can be said.

    Args:
        url: An absolute URL.

    Returns:
        Scheme, host and port; None for anything unusual.

    Example:
        >>> parse_origin("https://API.groq.com./openai/v1")
        Origin(scheme='https', host='api.groq.com', port=443)
        >>> parse_origin("https://api.groq.com@evil.example/v1")
    """
    found = _ORIGIN.match(url)
    if found is None:
        return None
    scheme, host, digits = found.groups()
    scheme = scheme.lower()
    port = int(digits) if digits else _PORTS[scheme]
    return Origin(scheme, host.lower(), port) if port <= _LAST_PORT else None


def find_pattern_error(pattern: str) -> str | None:
    """What is wrong with an entry of ``hosts``.

    Args:
        pattern: ``host`` or ``host:port``, perhaps with stars.

    Returns:
        The end of a sentence that begins with the pattern, or None.

    Example:
        >>> find_pattern_error("*.openai.azure.com")
        >>> find_pattern_error("*.com")
        'is too wide. Its last two parts must be without a star.'
    """
    found = _PATTERN.fullmatch(pattern)
    if found is None:
        return "is no host. Write host or host:port, in lower case, without a scheme."
    if pattern.count("*") > 1:
        return "has more than one star."
    if "*" in pattern and not re.search(r"\*[^*]*\.[^.]+\.[^.]+$", found["host"]):
        return "is too wide. Its last two parts must be without a star."
    return None


def owns(row: Provider, url: str) -> bool:
    """Whether a URL points at one of a row's hosts.

    Args:
        row: The facts.
        url: An absolute URL.

    Returns:
        True if a key of the row may go there.
    """
    origin = parse_origin(url)
    return origin is not None and any(claim.covers(origin) for claim in _claims_of(row))


class HostIndex:
    """The hosts of all rows, arranged for looking a URL up.

    Args:
        table: The rows by name. Where two rows claim a host, the later one has it,
            so that a user's row comes before ours.
    """

    def __init__(self, table: Mapping[str, Provider]) -> None:
        """Arrange the claims: by their text, but those with an inner star in a row."""
        self.table = table
        self._by_text: dict[tuple[str, int | None], _Claim] = {}
        self._inner: list[_Claim] = []
        for row in table.values():
            for claim in _claims_of(row):
                if "*" in claim.host.removeprefix("*."):
                    self._inner.insert(0, claim)
                else:
                    self._by_text[claim.host, claim.port] = claim

    def find(self, url: str) -> Provider | None:
        """The row that owns a URL: of several the one that names most of the host.

        Args:
            url: An absolute URL.

        Returns:
            The row, or None.
        """
        origin = parse_origin(url)
        if origin is None:
            return None
        text, above = origin.host, origin.host
        while above:
            for port in (origin.port, None):
                claim = self._by_text.get((text, port))
                if claim is not None and claim.allows(origin.scheme):
                    return claim.row
            above = above.partition(".")[2]
            text = f"*.{above}"
        return next((claim.row for claim in self._inner if claim.covers(origin)), None)


class _Claim(NamedTuple):
    """One host that a row calls its own; any port where ``port`` is None."""

    row: Provider
    host: str
    port: int | None
    takes_http: bool

    def allows(self, scheme: str) -> bool:
        return self.takes_http or scheme == "https"

    def covers(self, origin: Origin) -> bool:
        if self.port not in {None, origin.port} or not self.allows(origin.scheme):
            return False
        if "*" not in self.host:
            return origin.host == self.host
        if self.host.startswith("*."):  # any subdomain; other stars: part of a name
            return origin.host.endswith(self.host[1:])
        return _compile(self.host).fullmatch(origin.host) is not None


def _claims_of(row: Provider) -> list[_Claim]:
    """What a row claims: its hosts, and the host and port of its address.

    A key goes over plain http only where the row says so: to a host with a port, in
    a row whose own address is not https.
    """
    own = parse_origin(row.base_url) if row.base_url is not None else None
    is_secure = own is not None and own.scheme == "https"
    claims = [
        _Claim(row, host, port, port is not None and not is_secure)
        for host, port in map(_split, row.hosts)
    ]
    if own is not None:
        port = None if is_secure and own.port == _PORTS["https"] else own.port
        claims.append(_Claim(row, own.host, port, not is_secure))
    return claims


def _split(pattern: str) -> tuple[str, int | None]:
    found = _PATTERN.fullmatch(pattern)
    if found is None:  # the row has refused it already
        return pattern, None
    return found["host"], int(found["port"]) if found["port"] else None


@functools.lru_cache(maxsize=256)
def _compile(pattern: str) -> re.Pattern[str]:
    before, _, after = pattern.partition("*")
    return re.compile(rf"{re.escape(before)}[a-z0-9_-]+{re.escape(after)}", re.ASCII)
