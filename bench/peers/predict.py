#!/usr/bin/env python3
"""Time one batch of predictions of a network of dense layers, in onnxruntime and PyTorch.

    python predict.py [--mlp 784-1024-1024-10] [--batch N] [--peer onnxruntime|torch] [--threads N]

A call takes the next rows of 10,000 that are ready in memory, a NumPy array (a tensor for torch), and
returns the classes' probabilities as one, in float32. `--threads 0` is the library's own choice.
Printed: one JSON object: {"case", "peer", "us_per_batch" (the median), "batches_timed"}, or "error".

Needs numpy and the peers: onnx and onnxruntime, torch.
"""
import argparse
import json
from importlib import metadata

from step import initial, measure, mlp, resident, torch_network, use_threads


def slices(x, batch):
    """The next rows of x, again and again: no copy."""
    at = 0
    while True:
        if at + batch > len(x):
            at = 0
        yield x[at:at + batch]
        at += batch


def onnxruntime_peer(case, seconds, threads):
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    rng, x, _ = resident(case)
    nodes, constants, name = [], [], "x"
    layers = initial(case, rng)
    for n, (w, b) in enumerate(layers):
        constants += [numpy_helper.from_array(w, f"w{n}"), numpy_helper.from_array(b, f"b{n}")]
        nodes.append(helper.make_node("Gemm", [name, f"w{n}", f"b{n}"], [f"y{n}"]))
        last = n + 1 == len(layers)
        name = "probability" if last else f"z{n}"
        nodes.append(helper.make_node("Softmax", [f"y{n}"], [name], axis=1) if last
                     else helper.make_node("Relu", [f"y{n}"], [name]))
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])]
            for name, width in (("x", case.sizes[0]), ("probability", case.sizes[-1]))]
    model = helper.make_model(helper.make_graph(nodes, "mlp", *ends, constants),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
    rows = slices(x, case.batch)
    return measure(lambda: session.run(None, {"x": next(rows)}), seconds)


def torch_peer(case, seconds, threads):
    import torch
    if threads:
        torch.set_num_threads(threads)
    _, x, _ = resident(case)
    network = torch.nn.Sequential(*torch_network(case), torch.nn.Softmax(1)).eval()
    rows = slices(torch.from_numpy(x), case.batch)
    with torch.inference_mode():
        return measure(lambda: network(next(rows)), seconds)


PEERS = {"onnxruntime": onnxruntime_peer, "torch": torch_peer}


def versions():
    found = {}
    for name in ("numpy", "onnx", "onnxruntime", "torch"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mlp", default="784-1024-1024-10", metavar="SIZES")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--peer", choices=list(PEERS), default="onnxruntime")
    parser.add_argument("--seconds", type=float, default=3.0, help="to time for")
    parser.add_argument("--threads", type=int, default=0, help="0: the library's own choice")
    parser.add_argument("--versions", action="store_true", help="print the libraries' versions and stop")
    args = parser.parse_args()
    if args.versions:
        print(json.dumps(versions()))
        return
    try:
        case = mlp(args.mlp, args.batch, "sgd")
    except ValueError as error:
        parser.error(str(error))
    if args.threads:
        use_threads(args.threads)
    line = {"case": f"{args.mlp} b{args.batch}", "peer": args.peer}
    try:
        us, batches = PEERS[args.peer](case, args.seconds, args.threads)
        line |= {"us_per_batch": round(us, 2), "batches_timed": batches}
    except Exception as error:  # not installed: the others still run
        line["error"] = f"{type(error).__name__}: {error}"[:300]
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
