"""Two real servers that nobody here wrote, started on this machine.

``aimock`` is a scripted server from npm: it can fail in every way on command.
``llama`` is the genuine ``llama-server`` of llama.cpp, compiled once, with a tiny
model that ``tiny_model`` writes. Each module has one function, ``serve``, a context
manager that gives a ``Server``; each also runs by itself, for trying things out::

    python -m tests.integration_tests.servers.llama
"""
