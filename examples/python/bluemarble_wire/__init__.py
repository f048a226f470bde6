"""A client of Bluemarble's wire protocol, written from docs/wire.md alone.

Decoders know no sockets and stand by themselves: `reader`, `bits`, `ticket`, `control`, `columns`, `inputs`,
`snapshot`, `ground`, `coords`. `replica` keeps what snapshots say, `player` is a client without a socket, `quic` and
`session` put it on aioquic.
"""
