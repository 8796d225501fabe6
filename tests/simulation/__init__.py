"""The client, a server, the network, the clock and the reader, in one seeded loop.

Strategy: everything is real from the model's hooks down to httpcore; below that stands
a network in memory, and time is a number. A seed chooses what is said, what goes
wrong where, and what the reader does; then all that was logged is held against the
rules that no seed may break. ``make simulate`` runs many seeds, ``SEED=n`` shows one.
"""
