"""Where the page is served, by which names, and how much of this computer it may use."""

import ipaddress
import socket
from dataclasses import dataclass
from typing import Annotated

from msgspec import Meta

from aulens.checked import Checked, Count, Positive, Text
from aulens.errors import ConfigError

_Name = Annotated[
    str,
    Meta(
        pattern=r"^([\w.-]+|\[[0-9a-fA-F:.]+\])\Z",
        description="a name without http:// and port, such as aus.example.org",
    ),
]


@dataclass(frozen=True)
class AppSettings(Checked):
    """Where the page is served, and how much of this computer it may use.

    Attributes:
        host: name or address to listen on; only this computer can reach the default.
        port: to listen on; 0 takes a free one.
        max_megabytes: most that is taken at once, in millions of bytes: all files of a request together.
        max_minutes: longest part of a video that is analyzed at once.
        max_waiting: analyses that may wait while another one runs.
        max_total_megabytes: most that the files of all pages may take; None is eight times `max_megabytes`.
        allow_hosts: names by which it may be called besides this computer's own.

    Raises:
        ConfigError: a number is out of range.
    """

    host: Text = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="0 (any free one) to 65535")] = 7860
    max_megabytes: Positive = 500
    max_minutes: Positive = 10
    max_waiting: Count = 20
    max_total_megabytes: Positive | None = None
    allow_hosts: tuple[_Name, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_total_megabytes is not None and self.max_total_megabytes < self.max_megabytes:
            raise ConfigError(
                f"--max-total-megabytes must be --max-megabytes ({self.max_megabytes:g}) or more, got "
                f"{self.max_total_megabytes:g}"
            )

    @property
    def local(self) -> bool:
        """Whether only this computer can reach the page."""
        address = _address(self.host)
        return self.host == "localhost" or (address is not None and address.is_loopback)

    @property
    def max_bytes(self) -> int:
        """Most that is taken at once."""
        return round(self.max_megabytes * 1e6)

    @property
    def max_total_bytes(self) -> int:
        """Most that the files of all pages may take."""
        return round((self.max_total_megabytes or 8 * self.max_megabytes) * 1e6)


@dataclass(frozen=True)
class Hosts:
    """Names (Host) to which the page answers: a web site can lead one of its own here (DNS rebinding).

    Attributes:
        names: in lower case; "[::1]" has its brackets.
        addresses: any IP address will do as well: a browser that names one went there, whoever sent it.
    """

    names: frozenset[str]
    addresses: bool = False

    def __contains__(self, host: object) -> bool:
        name = str(host).lower()
        return name in self.names or (self.addresses and _address(name.strip("[]")) is not None)


def hosts_of(settings: AppSettings) -> Hosts:
    """This computer's own names, the one that it listens on, and those that are allowed by hand."""
    names = {"localhost", settings.host, *settings.allow_hosts}
    if settings.local:
        names |= {"127.0.0.1", "[::1]"}
    else:
        names |= {socket.gethostname(), f"{socket.gethostname()}.local"}
    return Hosts(frozenset(name.lower() for name in names), addresses=not settings.local)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
