"""A client of Bluemarble's wire protocol, written from docs/wire.md alone.

Decoders know no sockets and stand by themselves: `reader`, `bits`, `ticket`, `control`, `columns`, `inputs`,
`snapshot`, `ground`, `tile`, `coords`. `replica` keeps what snapshots say, `survey` asks for ground, `player` is a
client without a socket, `quic` and `session` put it on aioquic.
"""
