"""The site's certificates on disk: read with suspicion, replaced in one step.

    <directory>/ca.key, ca.crt                    the site's CA
    <directory>/issued/<serial>/server.{key,crt}  one directory a server certificate
    <directory>/current -> issued/<serial>        the switch: key and certificate change together
    <directory>/server.{key,crt} -> current/...   what services name in their settings

A power cut leaves either the old or the new pair in place, and at most rubbish that the next run
clears.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import whole_file
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hems_tls_core import Pair, TlsProblem

CURE = (
    "restore it from a backup, or, if it is lost, run 'hems-tls --new-ca' and have every owner "
    "install the new CA"
)
# Written beside a new certificate, taken away when the services have read it.
UNREAD = "unread"


class Store:
    """The directory of a site's certificates, and the copy of the CA that owners download."""

    def __init__(self, directory: Path, published: Path, group: int) -> None:
        """``group`` is the id of the group that may read the server's key."""
        self.directory = directory
        self.published = published
        self._group = group
        self._ca_key = directory / "ca.key"
        self._ca_certificate = directory / "ca.crt"
        self._issued = directory / "issued"
        self._current = directory / "current"

    def authority(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate | None] | None:
        """Return the CA's key and certificate, or None when this box never had a CA.

        The certificate is None when only the key is left: it then is to be made again from the key.
        Raises TlsProblem when what is left would have to be guessed, or owners' trust broken.
        """
        own = _ca_certificate(self._ca_certificate)
        copies = [_ca_certificate(self.published), _ca_certificate(self.directory / "server.crt")]
        certificates = [one for one in (own, *copies) if one]
        if not self._ca_key.exists():
            if certificates:
                message = f"The site's CA has lost its key {self._ca_key}: {CURE}."
                raise TlsProblem(message)
            return None
        try:
            key = load_key(self._ca_key)
        except PermissionError:
            raise
        except (OSError, ValueError, TypeError) as error:
            message = f"The key of the site's CA, {self._ca_key}, can't be read ({error}): {CURE}."
            raise TlsProblem(message) from error
        matching = [one for one in certificates if one.public_key() == key.public_key()]
        # Its own certificate decides when there is one; else any copy that the key proves.
        if (own and own not in matching) or (certificates and not matching):
            message = f"{self._ca_key} is not the key of the site's CA: {CURE}."
            raise TlsProblem(message)
        return key, matching[0] if matching else None

    def vouches_for(self, certificate: x509.Certificate) -> bool:
        """Tell whether a CA is the one whose certificates are here, as far as any is left."""
        own = _ca_certificate(self._ca_certificate)
        copies = [_ca_certificate(self.published), _ca_certificate(self.directory / "server.crt")]
        left = [own] if own else [one for one in copies if one]
        known = [one.public_key() for one in left]
        return not known or certificate.public_key() in known

    def restore_authority(self, authority: Pair, stamp: str) -> None:
        """Put a CA back; what is left of it stays under a name that ends in ``stamp``."""
        for path, content in (
            (self._ca_key, key_pem(authority.key)),
            (self._ca_certificate, certificate_pem(authority.certificate)),
        ):
            if path.exists() and path.read_bytes() != content:
                path.rename(path.with_name(f"{path.name}.broken-{stamp}"))
        self.put_authority(authority)

    def put_authority(self, authority: Pair) -> None:
        """Write the CA; its key first, from which the certificate could be made again."""
        whole_file.write(self._ca_key, key_pem(authority.key))
        self.put_authority_certificate(authority.certificate)

    def published_as(self, certificate: x509.Certificate) -> bool:
        """Tell whether the CA's certificate and the copy for owners read as given."""
        pem = certificate_pem(certificate)
        return _read(self._ca_certificate) == pem == _read(self.published)

    def put_authority_certificate(self, certificate: x509.Certificate) -> None:
        """Write the CA's certificate and the copy for owners."""
        for path in (self._ca_certificate, self.published):
            whole_file.write(path, certificate_pem(certificate), mode=0o644)

    def server(self) -> Pair | None:
        """Return the server's key and certificate, or None when either can't be read."""
        try:
            chain = x509.load_pem_x509_certificates((self._current / "server.crt").read_bytes())
            return Pair(load_key(self._current / "server.key"), chain[0])
        except (OSError, ValueError, TypeError):
            return None

    def put_server(self, server: Pair, authority: Pair) -> None:
        """Write a new server certificate with its chain, and switch to it in one step."""
        target = self._issued / f"{server.certificate.serial_number:x}"
        target.mkdir(mode=0o755, parents=True)
        key_file = target / "server.key"
        whole_file.write(key_file, key_pem(server.key))
        _guard(key_file, 0o640, self._group)
        chain = certificate_pem(server.certificate) + certificate_pem(authority.certificate)
        whole_file.write(target / "server.crt", chain, mode=0o644)
        whole_file.write(target / UNREAD, b"", mode=0o644)
        whole_file.sync(self._issued)
        whole_file.link(self._current, target.relative_to(self.directory))

    def settle(self) -> None:
        """Put links, modes and owners right; clear what a renewal or an interrupted run left."""
        for name in ("server.key", "server.crt"):
            link, target = self.directory / name, Path("current") / name
            if not link.is_symlink() or link.readlink() != target:
                whole_file.link(link, target)
        _guard(self._ca_key, 0o600, self._ca_key.stat().st_gid)
        _guard(self._current / "server.key", 0o640, self._group)
        keep = self._current.resolve()
        for old in self._issued.iterdir():
            if old != keep:
                shutil.rmtree(old)
        for rubbish in self.directory.glob(".*"):
            rubbish.unlink()

    def unread(self) -> bool:
        """Tell whether the services have yet to read the present certificate."""
        return (self._current / UNREAD).exists()

    def set_read(self) -> None:
        """Note that the services have read the present certificate."""
        (self._current / UNREAD).unlink(missing_ok=True)


def _ca_certificate(path: Path) -> x509.Certificate | None:
    """Return the CA certificate at the end of a file, or None when there is none to be read."""
    try:
        last = x509.load_pem_x509_certificates(path.read_bytes())[-1]
    except (OSError, ValueError):
        return None
    return last if last.subject == last.issuer else None


def load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key in a file; raises OSError, ValueError or TypeError."""
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("not an elliptic-curve key")
    return key


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PEM, in clear."""
    encoding, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    return key.private_bytes(encoding, form, serialization.NoEncryption())


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """Return a certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _guard(path: Path, mode: int, group: int) -> None:
    # Only when they differ: the inode's time tells others whether a file has changed.
    status = path.stat()
    if status.st_gid != group:
        os.chown(path, -1, group)
    if status.st_mode & 0o7777 != mode:
        path.chmod(mode)
