"""By which names the page may be called: a web site can lead a name of its own here (DNS rebinding)."""

import ipaddress
import socket
from dataclasses import dataclass

from aulens.app.settings import AppSettings


@dataclass(frozen=True)
class Hosts:
    """Names (Host) to which the page answers.

    Attributes:
        names: in lower case; "[::1]" has its brackets.
        addresses: any IP address will do as well: a browser that names one went there, whoever sent it.
    """

    names: frozenset[str]
    addresses: bool = False

    def __contains__(self, host: object) -> bool:
        name = str(host).lower()
        return name in self.names or (self.addresses and _is_address(name.strip("[]")))


def hosts_of(settings: AppSettings) -> Hosts:
    """This computer's own names, the one that it listens on, and those that are allowed by hand."""
    names = {"localhost", settings.host, *settings.allow_hosts}
    if settings.local:
        names |= {"127.0.0.1", "[::1]"}
    else:
        names |= {socket.gethostname(), f"{socket.gethostname()}.local"}
    return Hosts(frozenset(name.lower() for name in names), addresses=not settings.local)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
