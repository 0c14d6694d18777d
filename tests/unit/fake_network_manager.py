"""A small NetworkManager: adapters, access points and profiles, as far as hems.onboarding asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dbus_fast.unpack import unpack_variants
from hems.onboarding.bus import SERVICE, Heard, WifiError

TOP = "/org/freedesktop/NetworkManager"
WLAN = f"{TOP}/Devices/2"
WIRED, JOINED = f"{TOP}/ActiveConnection/wired", f"{TOP}/ActiveConnection/joined"


@dataclass
class Point:
    """An access point. ``key``: what it lets in with; ``refuses``: the reason that is told else."""

    ssid: bytes
    key: str = ""
    strength: int = 50
    flags: tuple[int, int, int] = (1, 0, 0x100)
    refuses: int = 7
    stays: int = 0  # the state in which it leaves a box, and says nothing more; 0: none


@dataclass
class FakeNetworkManager:
    """Answers as the real one does, and tells its states at once."""

    points: list[Point] = field(default_factory=list)
    state: int = 30
    enabled: bool = True
    adapters: int = 1
    stopped: bool = False
    memory: dict[str, dict[str, Any]] = field(default_factory=dict)
    disk: dict[str, dict[str, Any]] = field(default_factory=dict)
    active: Point | None = None
    scans: int = 0
    joined: list[str] = field(default_factory=list)
    before: list[tuple[str, int, int]] = field(default_factory=list)  # signals of something else
    fails_to_store: bool = False
    refuses_hotspot: bool = False
    hotspot: dict[str, Any] | None = None  # the profile of the one that is open
    cable: bool = False

    def __post_init__(self) -> None:
        self._heard: Heard = lambda *_: None
        self._number = 0
        self._active_path = ""

    def listen(self, heard: Heard) -> None:
        """Tell signals to this one."""
        self._heard = heard

    async def call(  # noqa: PLR0912  (one a member)
        self, path: str, member: str, signature: str = "", *body: Any
    ) -> list[Any]:
        """Answer one call."""
        if self.stopped:
            raise WifiError("NetworkManager does not run: 'systemctl status NetworkManager'.")
        name = member.rpartition(".")[2]
        match name:
            case "GetAll":
                return [self._properties(path, body[0].rpartition(".")[2])]
            case "RequestScan":
                self.scans += 1
            case "GetAllAccessPoints":
                return [[f"{TOP}/AccessPoint/{number}" for number in range(len(self.points))]]
            case "ListConnections":
                return [[*self.disk, *self.memory]]
            case "GetSettings":
                return [(self.disk | self.memory)[path]]
            case "Set":
                assert (signature, body[:2]) == ("ssv", (SERVICE, "WirelessEnabled"))
                self.enabled = body[2].value
                self.state = 30
            case "AddAndActivateConnection2":
                return self._open(signature, *body)
            case "DeactivateConnection":
                assert (signature, body[0]) == ("o", self._active_path)
                self.hotspot, self.state = None, 30
            case "AddConnection2":
                assert (signature, body[1]) == ("a{sa{sv}}ua{sv}", 0x22), "in memory only"
                self._number += 1
                added = f"{TOP}/Settings/{self._number}"
                self.memory[added] = unpack_variants(body[0])
                return [added, {}]
            case "ActivateConnection":
                self._activate(body[0], body[1])
            case "Update2":
                if self.fails_to_store:
                    raise WifiError("NetworkManager refuses: the disk is full.")
                assert body[1] == 1, "to the disk"
                self.disk[path] = self.memory.pop(path)
            case "Delete":
                (self.memory if path in self.memory else self.disk).pop(path)
            case _:
                raise AssertionError(f"nobody calls {member}")
        return []

    def _properties(self, path: str, interface: str) -> dict[str, Any]:
        match interface:
            case "NetworkManager":
                devices = [f"{TOP}/Devices/1", *([WLAN] if self.adapters else [])]
                active = [self._active_path] if self.hotspot else []
                active += [WIRED] if self.cable else []
                active += [JOINED] if self.active else []
                return {
                    "Devices": devices,
                    "WirelessEnabled": self.enabled,
                    "ActiveConnections": active,
                }
            case "Active":
                wired = "802-3-ethernet" if path == WIRED else "802-11-wireless"
                return {"Type": wired, "State": 2}
            case "Device":
                return {"DeviceType": 2 if path == WLAN else 1, "State": self.state}
            case "Wireless":
                number = self.points.index(self.active) if self.active else None
                point = "/" if number is None else f"{TOP}/AccessPoint/{number}"
                return {"LastScan": self.scans, "ActiveAccessPoint": point}
        seen = self.points[int(path.rpartition("/")[2])]
        flags = dict(zip(("Flags", "WpaFlags", "RsnFlags"), seen.flags, strict=True))
        return {"Ssid": seen.ssid, "Strength": seen.strength, **flags}

    def _open(
        self, signature: str, settings: Any, device: str, point: str, options: Any
    ) -> list[Any]:
        if self.refuses_hotspot:
            raise WifiError("NetworkManager refuses: no such thing.")
        assert (signature, device, point) == ("a{sa{sv}}ooa{sv}", WLAN, "/")
        assert unpack_variants(options) == {"persist": "volatile", "bind-activation": "dbus-client"}
        self._number += 1
        self._active_path = f"{TOP}/ActiveConnection/{self._number}"
        self.hotspot, self.active, self.state = unpack_variants(settings), None, 100
        return [f"{TOP}/Settings/{self._number}", self._active_path, {}]

    def _activate(self, path: str, device: str) -> None:
        settings = (self.memory | self.disk)[path]
        ssid = settings["802-11-wireless"]["ssid"]
        key = settings.get("802-11-wireless-security", {}).get("psk", "")
        self.joined.append(key)
        self.hotspot = None
        point = next((one for one in self.points if one.ssid == ssid), None)
        for where, state, reason in self.before:
            self._heard(where, "StateChanged", [state, 0, reason])
        self._heard(device, "StateChanged", [40, 30, 0])
        if point is None:
            self.state = 30
            self._heard(device, "StateChanged", [120, 50, 53])
        elif point.stays:
            self.state = point.stays
            self._heard(device, "StateChanged", [point.stays, 40, 0])
        elif point.key != key:
            self.state = 30
            self._heard(device, "StateChanged", [60, 50, 0])
            self._heard(device, "StateChanged", [120, 60, point.refuses])
        else:
            for state in (50, 60, 70, 100):
                self._heard(device, "StateChanged", [state, 0, 0])
            self.active, self.state = point, 100
