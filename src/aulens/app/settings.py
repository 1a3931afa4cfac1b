"""Where the page is served, and how much of this computer it may use."""

import ipaddress
import math
from dataclasses import dataclass

from aulens.errors import ConfigError


@dataclass(frozen=True)
class AppSettings:
    """Where the page is served, and how much of this computer it may use.

    Attributes:
        host: name or address to listen on; only this computer can reach the default.
        port: to listen on; 0 takes a free one.
        max_megabytes: largest file that is taken, in millions of bytes.
        max_minutes: longest part of a video that is analyzed at once.
        max_waiting: analyses that may wait while another one runs.

    Raises:
        ConfigError: a number is out of range.
    """

    host: str = "127.0.0.1"
    port: int = 7860
    max_megabytes: float = 500
    max_minutes: float = 10
    max_waiting: int = 20

    def __post_init__(self) -> None:
        if not self.host.strip():
            raise ConfigError("the host is empty; 127.0.0.1 is this computer")
        if not 0 <= self.port <= 65535:
            raise ConfigError(f"a port is 0 (any free one) to 65535, got {self.port}")
        for name, value in (("--max-megabytes", self.max_megabytes), ("--max-minutes", self.max_minutes)):
            if not (value > 0 and math.isfinite(value)):
                raise ConfigError(f"{name} must be above 0, got {value:g}")
        if self.max_waiting < 1:
            raise ConfigError(f"at least 1 analysis must be let wait, got {self.max_waiting}")

    @property
    def local(self) -> bool:
        """Whether only this computer can reach the page."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def max_bytes(self) -> int:
        """Size of the largest file that is taken."""
        return round(self.max_megabytes * 1e6)
