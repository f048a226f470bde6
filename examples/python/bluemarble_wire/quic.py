"""The transport (section 1) on aioquic: one pinned certificate, and 32 bytes that the TLS session exports."""

from __future__ import annotations

import ssl

from aioquic import tls
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicProtocolVersion
from cryptography.hazmat.primitives import hashes

ALPN = "bluemarble/1"
SERVER_NAME = "bluemarble"
SILENCE_S = 10.0
EXPORTER_LABEL = b"EXPORTER-bluemarble"
EXPORTED_BYTES = 32


class PinnedConnection(QuicConnection):
    """A client's connection that accepts exactly one certificate, and keeps TLS's `exporter_master_secret`.

    aioquic has no call for exported key material (RFC 8446, 7.5). The secret can be derived at one moment only: the
    server's Finished is the last message of the transcript, and the client's own is not in it yet. That is when TLS
    hands over the key with which the server's packets are decrypted.
    """

    def __init__(self, fingerprint: bytes) -> None:
        super().__init__(configuration=configuration())
        self._fingerprint = fingerprint
        self._exporter_master_secret: bytes | None = None

    def _update_traffic_key(
        self, direction: tls.Direction, epoch: tls.Epoch, cipher_suite: tls.CipherSuite, secret: bytes
    ) -> None:
        if direction == tls.Direction.DECRYPT and epoch == tls.Epoch.ONE_RTT:
            self._refuse_strangers()
            self._exporter_master_secret = self._key_schedule().derive_secret(b"exp master")
        super()._update_traffic_key(direction, epoch, cipher_suite, secret)

    def _refuse_strangers(self) -> None:
        """By now TLS has verified that the server has the key of the certificate which it showed."""
        certificate = self.tls._peer_certificate
        if certificate is None or certificate.fingerprint(hashes.SHA256()) != self._fingerprint:
            raise tls.AlertBadCertificate("the certificate is not the one that the ticket names")

    def _key_schedule(self) -> tls.KeySchedule:
        schedule = self.tls.key_schedule
        assert schedule is not None, "the handshake has not begun"
        return schedule

    def exported(self) -> bytes:
        """TLS-Exporter("EXPORTER-bluemarble", "", 32): the same at both ends, and in no other session."""
        assert self._exporter_master_secret is not None, "the handshake is not finished"
        algorithm = self._key_schedule().algorithm
        nothing = hashes.Hash(algorithm).finalize()
        derived = tls.hkdf_expand_label(
            algorithm, self._exporter_master_secret, EXPORTER_LABEL, nothing, algorithm.digest_size
        )
        return tls.hkdf_expand_label(algorithm, derived, b"exporter", nothing, EXPORTED_BYTES)


def configuration() -> QuicConfiguration:
    """QUIC version 1 as the protocol wants it; names, dates and issuers of certificates mean nothing."""
    return QuicConfiguration(
        is_client=True,
        alpn_protocols=[ALPN],
        server_name=SERVER_NAME,
        supported_versions=[QuicProtocolVersion.VERSION_1],
        verify_mode=ssl.CERT_NONE,
        idle_timeout=SILENCE_S,
        max_datagram_frame_size=65535,
    )
