"""The plugin: the handshake, the service, and the end of the process.

What follows from the protocol is here; the method is in method.py.
"""

import base64
import hashlib
import json
import os
import signal
import sys
import tempfile
import threading
import time
from concurrent import futures

import grpc

import method
import server
import tls
from tunelab.plugin.v1 import plugin_pb2_grpc

MAX_MESSAGE = 16 << 20
COOKIE = ("TUNELAB_PLUGIN", "tunelab.plugin.v1")


def described():
    canonical = json.dumps(method.SCHEMA, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return method.METHOD | {"schema_sha256": hashlib.sha256(canonical.encode()).hexdigest()}


def die_with_parent():
    """Ends this process and its group when the host is gone."""
    parent = os.getppid()

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        end()

    threading.Thread(target=watch, daemon=True).start()


def end(*_):
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(3)


def serve():
    # Prints of libraries must not reach stdout, where the handshake belongs.
    handshake = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    signal.signal(signal.SIGTERM, end)
    die_with_parent()

    stopped = threading.Event()
    g = grpc.server(futures.ThreadPoolExecutor(max_workers=8), options=[
        ("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)])
    plugin_pb2_grpc.add_MethodServicer_to_server(server.Server(described()), g)
    g.add_generic_rpc_handlers((server.controller(stopped),))
    folder = os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.gettempdir()
    path = os.path.join(folder, f"plugin{os.getpid()}")
    client = os.environ.get("PLUGIN_CLIENT_CERT", "")
    certificate = ""
    if client:
        credentials, der = tls.credentials(client)
        g.add_secure_port("unix:" + path, credentials)
        certificate = base64.b64encode(der).decode().rstrip("=")
    else:
        g.add_insecure_port("unix:" + path)
    g.start()
    print(f"1|1|unix|{path}|grpc|{certificate}", file=handshake, flush=True)
    stopped.wait()
    g.stop(0.5).wait()
    if os.path.exists(path):
        os.remove(path)


if __name__ == "__main__":
    if sys.argv[1:] == ["describe"]:
        print(json.dumps(described() | {"schema": method.SCHEMA}, indent=2))
    elif os.environ.get(COOKIE[0]) != COOKIE[1]:
        print("This is a tunelab method plugin. tunelab starts it; by hand, try: describe", file=sys.stderr)
        sys.exit(2)
    else:
        serve()
