"""Owns the sockets: the only package that imports zmq. It moves frames and knows nothing of what is in them."""
