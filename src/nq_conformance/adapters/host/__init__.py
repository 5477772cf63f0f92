"""An adapter in another process: the protocol, the host that answers it, and the kit's side.

The kit starts ``python -m nq_conformance.adapters.host TARGET`` as often as a rule needs a
process of its own, and a target ``stdio:COMMAND`` is any program that answers the same
protocol. JSON-RPC 2.0, one message a line, on stdin and stdout; ``methods.py`` has every
method with its parameters, ``schemas/`` the same for other languages.
"""
