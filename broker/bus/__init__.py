"""The sockets: the only package that imports zmq. It moves frames and never reads what is in them."""
