#!/usr/bin/env python3
"""Predicts for a CSV table with pandas and onnxruntime, a chunk of rows at a time: what a user without chainrule would write.

The network and what its columns become are taken from a run of chainrule with dense layers, ReLU and columns of numbers. One JSON object
with the seconds, without imports, and the peak of the resident memory.
"""
import argparse
import json
import resource
import time
import tomllib
from importlib import metadata


def tensors(path):
    """Of a safetensors file: its header's length, its header, the numbers."""
    import numpy
    raw = open(path, "rb").read()
    end = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:end])
    return {name: numpy.frombuffer(raw[end:][slice(*entry["data_offsets"])], "<f4").reshape(entry["shape"])
            for name, entry in header.items() if name != "__metadata__"}


def network(run, threads):
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    found = tensors(f"{run}/model.safetensors")
    weights = sorted((name for name, w in found.items() if w.ndim == 2), key=lambda name: int(name.split(".")[0]))
    biases = sorted((name for name, w in found.items() if w.ndim == 1), key=lambda name: int(name.split(".")[0]))
    nodes, constants, name = [], [], "x"
    for n, (w, b) in enumerate(zip(weights, biases)):
        constants += [numpy_helper.from_array(found[w], f"w{n}"), numpy_helper.from_array(found[b], f"b{n}")]
        nodes.append(helper.make_node("Gemm", [name, f"w{n}", f"b{n}"], [f"y{n}"]))
        last = n + 1 == len(weights)
        name = "p" if last else f"z{n}"
        nodes.append(helper.make_node("Softmax", [f"y{n}"], [name], axis=1) if last
                     else helper.make_node("Relu", [f"y{n}"], [name]))
    ends = [[helper.make_tensor_value_info(name, TensorProto.FLOAT, ["rows", width])]
            for name, width in (("x", found[weights[0]].shape[0]), ("p", found[weights[-1]].shape[1]))]
    model = helper.make_model(helper.make_graph(nodes, "mlp", *ends, constants),
                              opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])


def predict(run, data, out, threads, chunk):
    import numpy
    import pandas
    start = time.perf_counter()
    record = tomllib.load(open(f"{run}/run.toml", "rb"))
    features = [f for f in record["input"]["features"] if f["type"] == "number"]
    names = numpy.array(record["target"]["classes"])
    session, rows = network(run, threads), 0
    with open(out, "w") as file:
        for frame in pandas.read_csv(data, usecols=[f["name"] for f in features], chunksize=chunk):
            columns = []
            for f in features:
                x = frame[f["name"]]
                columns.append(((x.fillna(f["empty"]) - f["mean"]) / f["scale"]).to_numpy("float32"))
                if f.get("indicator"):
                    columns.append(x.isna().to_numpy("float32"))
            p = session.run(None, {"x": numpy.stack(columns, 1)})[0]
            answers = {"predicted": names[p.argmax(1)]} | {f"p({name})": p[:, at] for at, name in enumerate(names)}
            pandas.DataFrame(answers).to_csv(file, index=False, header=rows == 0)
            rows += len(frame)
    return {"seconds": time.perf_counter() - start, "rows": rows}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("run", "data", "out"):
        parser.add_argument(name, nargs="?")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--chunk", type=int, default=100_000)
    parser.add_argument("--versions", action="store_true", help="print the libraries' versions and stop")
    args = parser.parse_args()
    if args.versions:
        print(json.dumps({name: metadata.version(name) for name in ("pandas", "onnxruntime")}))
        return
    try:
        line = predict(args.run, args.data, args.out, args.threads, args.chunk)
    except Exception as error:  # not installed: the others still run
        line = {"error": f"{type(error).__name__}: {error}"[:300]}
    line["resident_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
