#!/usr/bin/env python3
"""Time one training step of a network in the Python libraries that could train it instead.

    python step.py [--case NAME ..] [--peer NAME ..] [--seconds S] [--threads N]
    python step.py --mlp 784-50-10 [--batch 100] [--optimizer sgd|adam] [--peer NAME ..]

A step draws a fresh random mini-batch from 10,000 resident rows, goes forward and back, and
updates, in float32. Printed, one JSON object a line: {"case", "peer", "us_per_step" (the
median), "steps_timed"}; or, without the numbers, "skipped" where a peer has no such network,
and "error" where it could not run.

Needs those of numpy, torch, jax, optax and scikit-learn that are to be timed. Each peer is
set up in the fastest way that we found; a faster one is a welcome change.
"""
import argparse
import json
import os
import statistics
import sys
import time
import warnings
from dataclasses import dataclass
from importlib import metadata

ROWS = 10_000
PIXELS = 28 * 28
RATE = {"sgd": 0.1, "adam": 1e-3}


@dataclass(frozen=True)
class Case:
    name: str
    sizes: tuple  # of the dense layers, the input first, with ReLU between them
    batch: int
    optimizer: str
    convolutions: tuple = ()  # channels; each 3x3, padded, with ReLU and a 2x2 maximum pool

    @property
    def width(self):
        return PIXELS if self.convolutions else self.sizes[0]


CASES = {
    case.name: case
    for case in (
        Case("book", (784, 50, 10), 100, "sgd"),
        Case("tabular", (28, 64, 64, 2), 256, "adam"),
        Case("wide", (784, 1024, 1024, 10), 128, "adam"),
        Case("deep", (784, 100, 100, 100, 100, 100, 100, 10), 100, "adam"),
        Case("convnet", (32 * 49, 128, 10), 64, "adam", convolutions=(1, 16, 32)),
    )
}


class Skip(Exception):
    """This peer has no such network."""


# Data and the clock

def resident(case):
    import numpy as np
    rng = np.random.default_rng(1)
    x = rng.standard_normal((ROWS, case.width), dtype=np.float32)
    t = rng.integers(0, case.sizes[-1], ROWS)
    return rng, x, t


def initial(case, rng):
    """Weights [in, out] and biases of the dense layers."""
    import numpy as np
    return [(rng.standard_normal((i, o), dtype=np.float32) * np.float32((2 / i) ** 0.5), np.zeros(o, np.float32))
            for i, o in zip(case.sizes, case.sizes[1:])]


def measure(step, seconds):
    """Median microseconds of a step, and how many were timed, after a warm-up."""
    clock = time.perf_counter
    warm, end = 0, clock() + seconds / 10
    while warm < 5 or clock() < end:
        step()
        warm += 1
    times, end = [], clock() + seconds
    while len(times) < 5 or clock() < end:
        start = clock()
        step()
        times.append(clock() - start)
    return statistics.median(times) * 1e6, len(times)


# Peers: each takes a case and the seconds to time it for

def numpy_peer(case, seconds):
    import numpy as np
    if case.convolutions:
        raise Skip("it has no convolution")
    rng, x, t = resident(case)
    layers = initial(case, rng)
    memory = [[np.zeros_like(p) for p in layer for _ in "mv"] for layer in layers]
    every, count = np.arange(case.batch), 0

    def descend(p, g, m, v):
        if case.optimizer == "sgd":
            p -= RATE["sgd"] * g
            return
        m += 0.1 * (g - m)
        v += 0.001 * (g * g - v)
        rate = RATE["adam"] * (1 - 0.999**count) ** 0.5 / (1 - 0.9**count)
        p -= rate * m / (np.sqrt(v) + 1e-8)

    def step():
        nonlocal count
        count += 1
        rows = rng.integers(0, ROWS, case.batch)
        inputs, y = [], x[rows]
        for w, b in layers:
            if inputs:
                np.maximum(y, 0, out=y)
            inputs.append(y)
            y = y @ w
            y += b
        y -= y.max(axis=1, keepdims=True)
        np.exp(y, out=y)
        y /= y.sum(axis=1, keepdims=True)
        y[every, t[rows]] -= 1
        y /= case.batch
        for (w, b), x_in, (mw, vw, mb, vb) in zip(reversed(layers), reversed(inputs), reversed(memory)):
            dw, db = x_in.T @ y, y.sum(axis=0)
            if x_in is not inputs[0]:
                y = y @ w.T
                y *= x_in > 0
            descend(w, dw, mw, vw)
            descend(b, db, mb, vb)

    return measure(step, seconds)


def torch_network(case):
    from torch import nn
    layers = []
    for i, o in zip(case.convolutions, case.convolutions[1:]):
        layers += [nn.Conv2d(i, o, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    if case.convolutions:
        layers.append(nn.Flatten())
    for i, o in zip(case.sizes, case.sizes[1:]):
        layers += [nn.Linear(i, o), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def torch_peer(case, seconds, compiled=False):
    import torch
    _, x, t = resident(case)
    x, t = torch.from_numpy(x), torch.from_numpy(t)
    network = torch_network(case)
    if case.convolutions:
        x = x.reshape(ROWS, 1, 28, 28)
        network = network.to(memory_format=torch.channels_last)  # a sixth faster here
    # The fastest of torch's three implementations of each on a CPU.
    if case.optimizer == "sgd":
        descent = torch.optim.SGD(network.parameters(), lr=RATE["sgd"], foreach=False)
    else:
        descent = torch.optim.Adam(network.parameters(), lr=RATE["adam"], fused=True)

    def loss(rows):
        y = network(x.index_select(0, rows))
        return torch.nn.functional.cross_entropy(y, t.index_select(0, rows))

    if compiled:
        loss = torch.compile(loss)  # all of it, so that the gather is fused too

    def step():
        descent.zero_grad(set_to_none=True)
        loss(torch.randint(0, ROWS, (case.batch,))).backward()
        descent.step()

    return measure(step, seconds)


def torch_compile_peer(case, seconds):
    return torch_peer(case, seconds, compiled=True)


def jax_peer(case, seconds):
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    rng, x, t = resident(case)
    kernels = []
    for i, o in zip(case.convolutions, case.convolutions[1:]):
        kernels.append((rng.standard_normal((3, 3, i, o), dtype=np.float32) * 0.1, np.zeros(o, np.float32)))
    parameters = jax.tree.map(jnp.asarray, (kernels, initial(case, rng)))
    x, t = jnp.asarray(x), jnp.asarray(t.astype(np.int32))
    descent = optax.sgd(RATE["sgd"]) if case.optimizer == "sgd" else optax.adam(RATE["adam"])

    def network(parameters, y):
        kernels, layers = parameters
        if kernels:
            y = y.reshape(-1, 28, 28, 1)
        for w, b in kernels:
            y = jax.lax.conv_general_dilated(y, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
            y = jax.nn.relu(y + b)
            rows, high, wide, channels = y.shape  # faster than reduce_window
            y = y.reshape(rows, high // 2, 2, wide // 2, 2, channels).max((2, 4))
        y = y.reshape(y.shape[0], -1)
        for w, b in layers[:-1]:
            y = jax.nn.relu(y @ w + b)
        w, b = layers[-1]
        return y @ w + b

    def update(parameters, memory, x, t, rows):
        def loss(parameters):
            y = network(parameters, x[rows])
            return optax.softmax_cross_entropy_with_integer_labels(y, t[rows]).mean()

        change, memory = descent.update(jax.grad(loss)(parameters), memory, parameters)
        return optax.apply_updates(parameters, change), memory

    # Updating in place pays only where there is much to update.
    large = sum(p.size for p in jax.tree.leaves(parameters)) > 1_000_000
    update = jax.jit(update, donate_argnums=(0, 1) if large else ())
    state = (parameters, descent.init(parameters))

    def step():
        nonlocal state
        state = jax.block_until_ready(update(*state, x, t, rng.integers(0, ROWS, case.batch, dtype=np.int32)))

    return measure(step, seconds)


def scikit_learn_peer(case, seconds):
    """It has no single step: whole epochs are timed, and divided by their steps."""
    import numpy as np
    from sklearn.neural_network import MLPClassifier
    if case.convolutions:
        raise Skip("it has no convolution")
    warnings.filterwarnings("ignore")
    _, x, t = resident(case)
    model = MLPClassifier(case.sizes[1:-1], solver=case.optimizer, batch_size=case.batch, alpha=0.0, momentum=0.0,
                          nesterovs_momentum=False, learning_rate_init=RATE[case.optimizer], shuffle=True)
    classes = np.arange(case.sizes[-1])
    few = min(2 * case.batch, ROWS)

    def epoch(rows):
        model.partial_fit(x[:rows], t[:rows], classes=classes)

    epoch(few)
    start = time.perf_counter()
    epoch(few)
    each = (time.perf_counter() - start) / (few // case.batch)
    # An epoch of all rows, unless the network is so large that five would not fit.
    steps = max(1, min(ROWS // case.batch, int(seconds / 5 / each)))
    rows = steps * case.batch
    us, epochs = measure(lambda: epoch(rows), seconds)
    return us / steps, epochs * steps


PEERS = {
    "numpy": numpy_peer,
    "torch": torch_peer,
    "torch-compile": torch_compile_peer,
    "jax-jit": jax_peer,
    "scikit-learn": scikit_learn_peer,
}


# The command line

def use_threads(count):
    """Before any library is loaded: this many threads, on this many cores."""
    for name in ("OMP", "MKL", "OPENBLAS", "NUMEXPR"):
        os.environ[f"{name}_NUM_THREADS"] = str(count)
    if hasattr(os, "sched_setaffinity"):  # what XLA's pool goes by
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[:count])


def versions():
    found = {"python": sys.version.split()[0]}
    for name in ("numpy", "torch", "jax", "optax", "scikit-learn"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return found


def mlp(text, batch, optimizer):
    sizes = tuple(int(size) for size in text.split("-"))
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"{text}: expected the sizes of two layers or more, such as 784-50-10")
    if not 1 <= batch <= ROWS:
        raise ValueError(f"--batch {batch}: expected 1 to {ROWS}")
    return Case(f"{text} b{batch} {optimizer}", sizes, batch, optimizer)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", default=[], choices=list(CASES), metavar="NAME", help=" ".join(CASES))
    parser.add_argument("--mlp", nargs="+", default=[], metavar="SIZES", help="a network of dense layers: 784-50-10")
    parser.add_argument("--batch", type=int, default=100, help="of --mlp")
    parser.add_argument("--optimizer", choices=list(RATE), default="sgd", help="of --mlp")
    parser.add_argument("--peer", nargs="+", default=list(PEERS), choices=list(PEERS), metavar="NAME",
                        help=" ".join(PEERS))
    parser.add_argument("--seconds", type=float, default=3.0, help="to time each for")
    parser.add_argument("--threads", type=int, help="default: all cores")
    parser.add_argument("--versions", action="store_true", help="print the libraries' versions and stop")
    args = parser.parse_args()
    if args.versions:
        print(json.dumps(versions()))
        return
    try:
        cases = [CASES[name] for name in args.case] + [mlp(text, args.batch, args.optimizer) for text in args.mlp]
    except ValueError as error:
        parser.error(str(error))
    use_threads(args.threads or len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))(0)))
    for case in cases or CASES.values():
        for peer in args.peer:
            line = {"case": case.name, "peer": peer}
            try:
                us, steps = PEERS[peer](case, args.seconds)
                line |= {"us_per_step": round(us, 2), "steps_timed": steps}
            except Skip as reason:
                line["skipped"] = str(reason)
            except Exception as error:  # not installed, or no compiler: the others still run
                line["error"] = f"{type(error).__name__}: {error}"[:300]
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
