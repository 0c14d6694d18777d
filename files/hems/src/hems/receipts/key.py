"""The box's own key for receipts: made once on the box, in a file that only root reads.

Run as a program (by role receipts) it makes the key unless there is one, and says whether it did.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_ssh_private_key,
)

from hems import HemsError, whole_file
from hems.receipts.core import NAMESPACE, ReceiptError, Sealed

SECONDS = 30.0


def make() -> bytes:
    """Return a new private key as OpenSSH has it, without a passphrase."""
    return Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()
    )


def public(private: bytes) -> str:
    """Return the public half, as ``ssh-ed25519 AAAA…``. Raises HemsError."""
    try:
        key = load_ssh_private_key(private, None).public_key()
    except ValueError as error:
        raise HemsError("The key for receipts is damaged: run the whole playbook.") from error
    return key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def ensure(path: Path) -> bool:
    """Make the key unless there is one; whether it was made. Raises OSError."""
    try:
        public(path.read_bytes())
    except (FileNotFoundError, HemsError):
        whole_file.write(path, make())
        return True
    return False


def sign(text: bytes, private: Path) -> str:
    """Return the signature of a receipt's text, as ssh-keygen(1) -Y sign has it. Raises HemsError.

    ``private`` is the file with the key.
    """
    words = ["ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", str(private)]
    try:
        done = subprocess.run(words, input=text, capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HemsError(f"The receipt can't be signed: {error}.") from error
    if done.returncode:
        raise HemsError(f"The receipt can't be signed: {_words(done.stderr)}.")
    return done.stdout.decode()


def verify(sealed: Sealed, site: str, key: str) -> None:
    """Check that a site's receipt is signed by ``key``. Raises ReceiptError."""
    with tempfile.TemporaryDirectory() as directory:
        allowed, signature = Path(directory, "allowed_signers"), Path(directory, "signature")
        allowed.write_text(f'{site} namespaces="{NAMESPACE}" {key}\n', encoding="ascii")
        signature.write_text(sealed.signature, encoding="utf-8")
        words = ["ssh-keygen", "-Y", "verify", "-n", NAMESPACE, "-I", site]
        words += ["-f", str(allowed), "-s", str(signature)]
        done = subprocess.run(
            words,
            input=sealed.receipt.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    if done.returncode:
        raise ReceiptError("is not signed by the key that is known as the site's")


def _words(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1].rstrip(".") if lines else "ssh-keygen gave no reason"


if __name__ == "__main__":
    print("made" if ensure(Path(sys.argv[1])) else "there")
