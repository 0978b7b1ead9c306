"""The service tunelab.plugin.v1.Method."""

import json
import os
import threading

import grpc

import host
import method
import params
from tunelab.plugin.v1 import plugin_pb2 as pb
from tunelab.plugin.v1 import plugin_pb2_grpc


def lines(path):
    with open(path, encoding="utf-8") as f:
        return [json.loads(line) for line in f if line.strip()]


def controller(stopped):
    """go-plugin's Shutdown, with which the host asks for an orderly end."""
    def shutdown(request, context):
        stopped.set()
        return b""
    return grpc.method_handlers_generic_handler("plugin.GRPCController", {
        "Shutdown": grpc.unary_unary_rpc_method_handler(shutdown)})


class Server(plugin_pb2_grpc.MethodServicer):
    def __init__(self, description):
        self.description = description
        self.asked = set()  # runs that are to stop
        self.lock = threading.Lock()

    def Describe(self, request, context):
        return pb.DescribeResponse(method_json=json.dumps(self.description).encode())

    def Schema(self, request, context):
        return pb.SchemaResponse(schema_json=json.dumps(method.SCHEMA).encode())

    def Health(self, request, context):
        return pb.HealthResponse(serving=True)

    def Validate(self, request, context):
        spec = json.loads(request.input.spec_json)
        return pb.ValidateResponse(diagnostics=params.resolve(method.SCHEMA, spec.get("params") or {})[1])

    def Estimate(self, request, context):
        spec = json.loads(request.input.spec_json)
        values, wrong = params.resolve(method.SCHEMA, spec.get("params") or {})
        if wrong:
            return pb.EstimateResponse(diagnostics=wrong)
        try:
            width = host.features(request.input, ["width"], *method.query(spec["task"], values)).values.shape[1]
        except ValueError as e:
            return pb.EstimateResponse(diagnostics=[mistake("params", e)])
        n = method.trainable(len(spec["task"]["labels"]), width)
        estimate = {"trainable_params": n, "total_params": n, "memory_bytes": 200 << 20, "flops": 0, "steps": 0}
        return pb.EstimateResponse(estimate_json=json.dumps(estimate).encode())

    def Stop(self, request, context):
        with self.lock:
            self.asked.add(request.run_id)
        return pb.StopResponse(accepted=True)

    def stopping(self, run_id):
        with self.lock:
            return run_id in self.asked

    def Run(self, request, context):
        spec = json.loads(request.input.spec_json)
        given, wrong = params.resolve(method.SCHEMA, spec.get("params") or {})
        if wrong:
            yield failed("the parameters are wrong", wrong)
            return
        if self.stopping(request.input.run_id):
            yield pb.Event(done=pb.Done(state="stopped", reason="stopped as asked", cost_json=b"{}"))
            return
        examples = lines(request.input.train.path)
        try:
            x = host.features(request.input, [e["input"] for e in examples], *method.query(spec["task"], given))
            result = method.train(x.values, [e["label"] for e in examples], spec["task"], given)
        except ValueError as e:
            yield failed(str(e), [mistake("task", e)])
            return
        folder = os.path.join(request.input.work_dir, "artifacts")
        os.makedirs(folder, exist_ok=True)
        method.save(result, folder)
        yield pb.Event(metric=pb.Metric(name="train/examples", step=0, value=len(examples)))
        yield pb.Event(artifact=pb.Artifact(file=pb.File(kind="artifact", path="artifacts/" + method.RESULT)))
        cost = {"trainable_params": method.trainable(len(spec["task"]["labels"]), x.values.shape[1]),
                "labelled_examples": len(examples), "train_tokens": sum(x.tokens), "flops": sum(x.flops)}
        yield pb.Event(done=pb.Done(state="finished", cost_json=json.dumps(cost).encode()))

    def Predict(self, request, context):
        if request.mode != "labels":
            context.abort(grpc.StatusCode.ABORTED, f"prediction mode {request.mode!r} is not one this method answers")
        spec = json.loads(request.input.spec_json)
        given, _ = params.resolve(method.SCHEMA, spec.get("params") or {})
        items = lines(request.items.path)
        try:
            x = host.features(request.input, [i["input"] for i in items], *method.query(spec["task"], given))
        except ValueError as e:
            context.abort(grpc.StatusCode.ABORTED, str(e))
        scores = method.predict(method.load(request.artifacts[0].path), x.values)
        answers = [json.dumps({"id": i["id"], "scores": s, "prompt_tokens": t, "flops": f})
                   for i, s, t, f in zip(items, scores, x.tokens, x.flops)]
        for at in range(0, len(answers), 1000):  # far below 1 MiB a message
            part = answers[at:at + 1000]
            yield pb.PredictResponse(predictions_jsonl=("\n".join(part) + "\n").encode(), done=at + len(part), total=len(items))


def mistake(path, error):
    return pb.Diagnostic(severity="error", path=path, summary=str(error), detail="change the parameters, the task or its data")


def failed(reason, diagnostics):
    return pb.Event(done=pb.Done(state="failed", reason=reason, cost_json=b"{}", diagnostics=diagnostics))
