"""What the host computes for a plugin that asks: features of texts."""

import grpc
import numpy as np

from tunelab.plugin.v1 import plugin_pb2 as pb
from tunelab.plugin.v1 import plugin_pb2_grpc

MAX_MESSAGE = 16 << 20
MAX_TEXTS = 4096  # of one call


class Features:
    """Vectors [n, columns] of n texts, what the model read of each (tokens) and what it cost (flops)."""

    def __init__(self, values, tokens, flops):
        self.values, self.tokens, self.flops = values, tokens, flops


def features(given, texts, pooling, layer, max_length):
    """Asks for the features of texts with the run's frozen model; given is the RunInput of the call."""
    if not given.host_address:
        raise ValueError("the host serves no features: it is older than plugin protocol 1.1; update tunelab")
    values, tokens, flops = [], [], []
    options = [("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)]
    with grpc.insecure_channel(given.host_address, options=options) as channel:
        stub = plugin_pb2_grpc.HostStub(channel)
        for part in batches(texts):
            request = pb.FeaturesRequest(run_id=given.run_id, texts=part, pooling=pooling, layer=layer, max_length=max_length)
            try:
                for r in stub.Features(request):
                    values.append(np.frombuffer(r.values, dtype="<f4").reshape(len(r.tokens), r.columns))
                    tokens += r.tokens
                    flops += r.flops
            except grpc.RpcError as e:
                raise ValueError(e.details()) from e
    return Features(np.concatenate(values), tokens, flops)


def batches(texts):
    """The texts in parts that fit one call each."""
    part, size = [], 0
    for t in texts:
        n = len(t.encode()) + 8
        if part and (size + n > MAX_MESSAGE // 2 or len(part) == MAX_TEXTS):
            yield part
            part, size = [], 0
        part.append(t)
        size += n
    if part:
        yield part
