#!/usr/bin/env python3
"""Write what `Predictor::trace` is held against, computed by PyTorch in float64.

    VENV/bin/python tools/trace_oracle.py

writes `crates/learn/tests/oracle/trace.json`: the book's network, 784-50-10 with ReLU and softmax with loss, on one image. Pixels and
parameters are fractions of powers of 2, made by formulas that the test repeats, hence exact in float32. Each node by its name:
its value, and the derivative of the loss by it; of the weights, whose numbers are many, the sums over either axis.
"""
import json
import pathlib

import torch

LABEL = 3


def parameter(count, step, most):
    return torch.tensor([(i * step % most - most // 2) / 1024 for i in range(count)], dtype=torch.float64)


x = torch.tensor([[i * 29 % 251 / 256 for i in range(784)]], dtype=torch.float64, requires_grad=True)
parameters = {
    "0.weight": parameter(784 * 50, 37, 257).reshape(784, 50).requires_grad_(),
    "0.bias": parameter(50, 11, 101).requires_grad_(),
    "2.weight": parameter(50 * 10, 53, 211).reshape(50, 10).requires_grad_(),
    "2.bias": parameter(10, 7, 31).requires_grad_(),
}
affine = x @ parameters["0.weight"] + parameters["0.bias"]
hidden = affine.relu()
output = hidden @ parameters["2.weight"] + parameters["2.bias"]
loss = torch.nn.functional.cross_entropy(output, torch.tensor([LABEL]))
nodes = {"x": x, **parameters, "0.affine": affine, "1.relu": hidden, "2.affine": output}
for node in nodes.values():
    node.retain_grad()
loss.backward()


def few(numbers, shape):
    matrix = numbers.detach().reshape(shape)
    whole = matrix.reshape(-1) if shape[0] == 1 or len(shape) == 1 else torch.cat([matrix.sum(0), matrix.sum(1)])
    return whole.tolist()


found = {name: {"value": few(node, node.shape), "gradient": few(node.grad, node.shape)} for name, node in nodes.items()}
found["softmax"] = {"value": output.softmax(1).reshape(-1).tolist()}
out = pathlib.Path(__file__).resolve().parent.parent / "crates/learn/tests/oracle/trace.json"
out.write_text(json.dumps({"torch": torch.__version__, "label": LABEL, "loss": loss.item(), "nodes": found}) + "\n")
