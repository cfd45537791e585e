"""Who writes texts bit by bit, and takes new requests between: a model of a folder, an address, a model of passages."""
