"""A CA and a server's certificate, as strict as Python 3.13 asks for (RFC 5280)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


def site_and_server(directory: Path, days: int, name: str = "cottage") -> Path:
    """Write a CA and a server's certificate for a name that ends in so many days."""
    now = dt.datetime.now(dt.UTC)
    ca_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Site CA")])
    start, end = now - dt.timedelta(days=400), now + dt.timedelta(days=days, hours=1)

    ca_id = x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key())

    def build(
        subject: str,
        public: ec.EllipticCurvePublicKey,
        *extensions: tuple[x509.ExtensionType, bool],
    ) -> bytes:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
            .issuer_name(ca_name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(start)
            .not_valid_after(end if subject == name else now + dt.timedelta(days=3650))
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    usage = x509.KeyUsage(
        **dict.fromkeys(
            ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
            False,
        ),
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    authority = (
        (x509.BasicConstraints(ca=True, path_length=None), True),
        (usage, True),
        (ca_id, False),
    )
    own = (
        (x509.SubjectAlternativeName([x509.DNSName(name)]), False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(ca_id), False),
    )
    (directory / "ca.crt").write_bytes(build("Site CA", ca_key.public_key(), *authority))
    server = directory / "server.pem"
    server.write_bytes(
        build(name, key.public_key(), *own)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return server
