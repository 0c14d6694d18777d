"""A second copy of the site's CA, for root alone, elsewhere on the box.

The CA is the one thing that can't be made anew: every owner would have to install another one.
"""

from __future__ import annotations

from pathlib import Path

import whole_file
from cryptography import x509
from hems_tls_core import Pair
from hems_tls_store import certificate_pem, key_pem, load_key


class Copy:
    """The directory of the copy: ``ca.key`` and ``ca.crt``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = directory / "ca.key"
        self._certificate = directory / "ca.crt"

    def load(self) -> Pair | None:
        """Return the CA, or None when there is no whole one."""
        try:
            certificate = x509.load_pem_x509_certificate(self._certificate.read_bytes())
            pair = Pair(load_key(self._key), certificate)
        except (OSError, ValueError, TypeError):
            return None
        return pair if pair.matches() else None

    def holds(self, authority: Pair) -> bool:
        """Tell whether the copy is of this CA."""
        pair = self.load()
        return pair is not None and pair.certificate == authority.certificate

    def put(self, authority: Pair) -> None:
        """Write the copy. Raises OSError."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        whole_file.write(self._key, key_pem(authority.key))
        whole_file.write(self._certificate, certificate_pem(authority.certificate))
