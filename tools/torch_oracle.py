#!/usr/bin/env python3
"""Write the numbers that the engine's tests are held against, computed by PyTorch.

    python3 -m venv VENV && VENV/bin/pip install numpy torch
    VENV/bin/python tools/torch_oracle.py [--out FOLDER]

writes `three_networks.json`, `conv_network.json`, `norm_network.json`, `optimizers.json`, `more_networks.json` and `ops.json` to `crates/engine/tests/oracle/`. The tests read the
stored files, so Python is needed only to change them. All is float64, from fixed numpy
`RandomState` streams, on one thread; floats are printed in full (`repr`). Inputs and initial
parameters are multiples of 1/1024, hence exact in float32 as well.

`three_networks.json`, `conv_network.json`, `norm_network.json`, `optimizers.json`, `more_networks.json`: {"torch", "numpy", "networks": [..]}. A network is
    name, input     its name, and the shape of a row of x
    layers          words; word number i owns the parameters "i.weight" and "i.bias"
    parameters      [{name, shape, values}] before training; a weight is [in, out]: y = x·W + b;
                    of a convolution [out, in / groups, height, width]
    loss            softmax_with_loss (t are classes) or mean_squared_error (t are numbers):
                    the mean over the rows; of squared errors, of the mean over the outputs
    optimizer       {name, rate, ..}; l2 and decay are for weights, not for biases
    batches         [{rows, x, t}], row after row; update i trains on batch i modulo their number
    losses          of the batch at hand, before each of the 20 updates
    final_parameters  after them, as flat values in the order of `parameters`
    tested          the outputs for each batch after them, in test form

`ops.json`: {"torch", "numpy", "cases": [..]}. A case is
    op              the operation; of `pow`, "exponent" is its constant; of `leaky_relu` "slope", of `elu` "alpha",
                    of `huber_loss` "delta", of a softmax with loss "smoothing"; of `conv2d` and `max_pool`
                    their sizes stand beside it: "stride", "padding", ..
    inputs          [{shape, rows, values}]: rows of `shape` each, or null for one whole value
    output          the result, with output_shape and output_rows as for an input
    dy              the derivative of some loss by the output
    gradients       of that loss by each input, summed over rows where the input is whole;
                    [] for a label or a class's weight, which has none
    mean            of a loss whose dy is 1/rows: its mean over the rows
"""
import argparse
import json
import pathlib

import numpy as np
import torch

F = torch.nn.functional
UPDATES = 20
HERE = pathlib.Path(__file__).resolve().parent


def exact(values):
    """Rounded to multiples of 1/1024: short in print, and the same number in float32."""
    return np.round(np.asarray(values) * 1024) / 1024


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


# Networks

def window(word):
    """`conv2d:4@3,padding=1` as (4, 3, {"padding": 1}), `max_pool:2` as (None, 2, {})."""
    size, *options = word.split(":")[1].split(",")
    outputs, _, size = size.rpartition("@")
    options = {name: int(value) for name, value in (option.split("=") for option in options)}
    return int(outputs) if outputs else None, int(size), options


class Residual(torch.nn.Module):
    def __init__(self, branches):
        super().__init__()
        [self.body] = branches

    def forward(self, x):
        return x + self.body(x)


class Whole(torch.nn.Module):
    def forward(self, x):
        return x.long()


class Concat(torch.nn.Module):
    def __init__(self, branches):
        super().__init__()
        self.branches = torch.nn.ModuleList(branches)

    def forward(self, x):
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def torch_network(rng, shape, words):
    """The network on rows of `shape`, its parameters by name as the engine has them, and its outputs."""
    modules, named, opened = [], [], []
    x = torch.zeros([1, *shape], dtype=torch.float64)
    for i, word in enumerate(words):
        name = word.split(":")[0]
        if word in ("residual(", "concat("):
            opened.append((Residual if word == "residual(" else Concat, x, modules, []))
            modules = []
            continue
        if word in ("|", ")"):
            kind, start, outer, branches = opened[-1]
            branches.append(torch.nn.Sequential(*modules))
            modules, x = [], start
            if word == "|":
                continue
            opened.pop()
            modules, module = outer, kind(branches)
        elif name == "embedding":
            rows, width = map(int, word.split(":")[1].split("@"))
            module = torch.nn.Embedding(rows, width, dtype=torch.float64)
            table = exact(rng.standard_normal((rows, width)))
            module.weight.data.copy_(torch.from_numpy(table))
            named.append((f"{i}.weight", table))
            modules.append(Whole())
            x = x.long()
        elif name == "affine":
            if x.dim() > 2:
                modules.append(torch.nn.Flatten())
                x = modules[-1](x)
            module = torch.nn.Linear(x.shape[1], int(word.split(":")[1]), dtype=torch.float64)
        elif name == "conv2d":
            outputs, size, options = window(word)
            module = torch.nn.Conv2d(x.shape[1], outputs, size, dtype=torch.float64, **options)
        elif name in ("max_pool", "avg_pool"):
            _, size, options = window(word)
            module = (torch.nn.MaxPool2d if name == "max_pool" else torch.nn.AvgPool2d)(size, **options)
        elif name == "batch_norm":
            norm = torch.nn.BatchNorm1d if x.dim() == 2 else torch.nn.BatchNorm2d
            module = norm(x.shape[1], dtype=torch.float64)
        elif name == "layer_norm":
            module = torch.nn.LayerNorm(x.shape[1:], dtype=torch.float64)
        elif name == "global_avg_pool":
            module = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        else:
            module = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid,
                      "gelu": torch.nn.GELU, "silu": torch.nn.SiLU, "elu": torch.nn.ELU, "flatten": torch.nn.Flatten,
                      "leaky_relu": torch.nn.LeakyReLU, "softplus": torch.nn.Softplus,
                      "softmax": lambda: torch.nn.Softmax(dim=1)}[word]()
        if name in ("affine", "conv2d"):
            # Ours is [in, out] of an affine layer, where torch keeps [out, in].
            drawn = module.weight.T.shape if name == "affine" else module.weight.shape
            weight = exact(rng.standard_normal(drawn) / np.sqrt(module.weight[0].numel()))
            bias = exact(rng.uniform(-0.1, 0.1, len(module.bias)))
            with torch.no_grad():
                module.weight.copy_(torch.from_numpy(weight.T.copy() if name == "affine" else weight))
                module.bias.copy_(torch.from_numpy(bias))
            named += [(f"{i}.weight", weight), (f"{i}.bias", bias)]
        if name in ("batch_norm", "layer_norm"):
            shape = list(module.weight.shape)
            for name, tensor in module.named_parameters():
                drawn = exact(rng.uniform(0.5, 1.5, shape) if name == "weight" else rng.uniform(-0.5, 0.5, shape))
                tensor.data.copy_(torch.from_numpy(drawn))
                named.append((f"{i}.{name}", drawn))
            for name, buffer in module.named_buffers():
                if name.startswith("running_"):
                    # Ours is called "mean" or "variance".
                    ours = {"running_mean": "mean", "running_var": "variance"}[name]
                    named.append((f"{i}.{ours}", buffer.numpy().copy()))
        with torch.no_grad():
            x = module.eval()(x)
        modules.append(module.train())
    return torch.nn.Sequential(*modules), named, x.shape[1]


class Lion(torch.optim.Optimizer):
    """Chen and others, Symbolic Discovery of Optimization Algorithms, 2023, Algorithm 2: the step is the sign of
    c = beta1 m + (1 - beta1) g, with decoupled decay; then m = beta2 m + (1 - beta2) g."""

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                c = beta1 * m + (1 - beta1) * p.grad
                p -= group["lr"] * (torch.sign(c) + group["weight_decay"] * p)
                m.copy_(beta2 * m + (1 - beta2) * p.grad)


def torch_optimizer(model, spec):
    """The optimizer, and whether it knows decoupled decay itself."""
    name, rate, l2, decay = (spec.get(key, 0.0) for key in ("name", "rate", "l2", "decay"))
    own_decay = name in ("adamw", "lion")
    weights = {"params": [p for p in model.parameters() if p.dim() > 1], "weight_decay": decay if own_decay else l2}
    groups = [weights, {"params": [p for p in model.parameters() if p.dim() == 1], "weight_decay": 0.0}]
    betas = (spec.get("beta1"), spec.get("beta2"))
    momentum = spec.get("momentum", 0.0)
    assert not (own_decay and l2), name
    return {
        "sgd": lambda: torch.optim.SGD(groups, lr=rate),
        "momentum": lambda: torch.optim.SGD(groups, lr=rate, momentum=momentum),
        "nesterov": lambda: torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=True),
        "adagrad": lambda: torch.optim.Adagrad(groups, lr=rate, eps=spec["epsilon"]),
        "rmsprop": lambda: torch.optim.RMSprop(groups, lr=rate, alpha=spec["beta"], eps=spec["epsilon"]),
        "adam": lambda: torch.optim.Adam(groups, lr=rate, betas=betas, eps=spec["epsilon"]),
        "adamw": lambda: torch.optim.AdamW(groups, lr=rate, betas=betas, eps=spec["epsilon"]),
        "lion": lambda: Lion(groups, {"lr": rate, "betas": betas}),
    }[name](), own_decay


# Losses of one number a batch, by the name of the engine's method; the first two are of classes.
LOSSES = {
    "softmax_with_loss": F.cross_entropy,
    "smoothed_softmax_with_loss": lambda y, t: F.cross_entropy(y, t, label_smoothing=0.125),
    "mean_squared_error": F.mse_loss,
    "mean_absolute_error": F.l1_loss,
    "huber_loss": lambda y, t: F.huber_loss(y, t, delta=0.25),
    "binary_cross_entropy": F.binary_cross_entropy_with_logits,
}
OF_CLASSES = list(LOSSES)[:2]


def network(seed, name, shape, layers, loss, optimizer, batch_rows):
    rng = np.random.RandomState(seed)
    layers = layers.split()
    model, parameters, outputs = torch_network(rng, shape, layers)
    batches = []
    for rows in batch_rows:
        if layers[0].startswith("embedding"):
            x = rng.randint(0, int(layers[0].split(":")[1].split("@")[0]), (rows, *shape)).astype(float)
        else:
            x = exact(rng.standard_normal((rows, *shape)))
        t = rng.randint(0, outputs, rows) if loss in OF_CLASSES else exact(rng.uniform(0, 1, (rows, outputs)))
        batches.append((torch.from_numpy(x), torch.from_numpy(t)))
    descent, own_decay = torch_optimizer(model, optimizer)
    measure = LOSSES[loss]
    losses, clipped = [], []
    for update in range(UPDATES):
        x, t = batches[update % len(batches)]
        descent.zero_grad()
        value = measure(model(x), t)
        losses.append(value.item())
        value.backward()
        if "clip_norm" in optimizer:
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), optimizer["clip_norm"]).item()
            clipped.append(norm > optimizer["clip_norm"])
        if "clip_value" in optimizer:
            clipped += [big for p in model.parameters() for big in flat(p.grad.abs() > optimizer["clip_value"])]
            torch.nn.utils.clip_grad_value_(model.parameters(), optimizer["clip_value"])
        decay = 0.0 if own_decay else optimizer["rate"] * optimizer.get("decay", 0.0)
        pulls = [(p, decay * p.detach()) for p in model.parameters() if p.dim() > 1]
        descent.step()
        with torch.no_grad():
            for p, pull in pulls:
                p.sub_(pull)
    final = []
    for module in model.modules():
        turned = isinstance(module, torch.nn.Linear)
        final += [flat(p.T if turned and p.dim() == 2 else p) for p in module.parameters(recurse=False)]
        final += [flat(b) for b in module.buffers(recurse=False) if b.dim() > 0]
    with torch.no_grad():
        tested = [flat(model.eval()(x)) for x, _ in batches]
    assert losses[-1] < losses[(UPDATES - 1) % len(batches)], (name, losses)
    assert not clipped or len(set(clipped)) == 2, (name, "clips always or never", clipped)
    return {
        "name": name,
        "input": shape,
        "layers": layers,
        "parameters": [{"name": n, "shape": list(v.shape), "values": v.ravel().tolist()} for n, v in parameters],
        "loss": loss,
        "optimizer": optimizer,
        "batches": [{"rows": len(x), "x": flat(x), "t": flat(t)} for x, t in batches],
        "losses": losses,
        "final_parameters": final,
        "tested": tested,
    }


ADAM = {"name": "adam", "rate": 1e-2, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}


def three_networks():
    return [
        network(1, "relu-sgd", [12], "affine:8 relu affine:4", "softmax_with_loss",
                {"name": "sgd", "rate": 0.1}, [7, 7, 7, 3]),
        network(2, "tanh-sigmoid-momentum", [6], "affine:9 tanh affine:7 sigmoid affine:3", "mean_squared_error",
                {"name": "momentum", "rate": 0.1, "momentum": 0.9}, [5, 5, 5]),
        network(3, "relu-adam", [10], "affine:16 relu affine:16 relu affine:5", "softmax_with_loss",
                ADAM, [8, 8, 8, 8]),
    ]


def optimizers():
    def of(seed, name, **settings):
        words = "-".join([name, *(key for key in settings if key != "rate")])
        return network(seed, words, [7], "affine:9 tanh affine:4", "softmax_with_loss",
                       {"name": name, **settings}, [6, 6, 4])

    adam = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    return [
        of(11, "sgd", rate=0.5, l2=0.01),
        of(12, "sgd", rate=0.5, decay=0.02),
        of(13, "momentum", rate=0.1, momentum=0.9, l2=0.01, decay=0.01),
        of(14, "nesterov", rate=0.1, momentum=0.9),
        of(15, "nesterov", rate=0.1, momentum=0.8, l2=0.03),
        of(16, "adagrad", rate=0.1, epsilon=1e-10),
        of(17, "adagrad", rate=0.1, epsilon=1e-6, l2=0.02),
        of(18, "rmsprop", rate=0.01, beta=0.99, epsilon=1e-8),
        of(19, "rmsprop", rate=0.01, beta=0.9, epsilon=1e-6, decay=0.1),
        of(20, "adam", rate=0.02, l2=0.05, **adam),
        of(21, "adamw", rate=0.02, decay=0.01, **adam),
        of(22, "adamw", rate=0.02, decay=0.5, beta1=0.8, beta2=0.95, epsilon=1e-6),
        of(23, "lion", rate=0.01, beta1=0.9, beta2=0.99),
        of(24, "lion", rate=0.01, beta1=0.8, beta2=0.95, decay=0.3),
        of(25, "sgd", rate=0.5, clip_value=0.04),
        of(26, "sgd", rate=0.5, clip_norm=0.8),
        of(27, "adamw", rate=0.05, decay=0.05, clip_norm=0.8, clip_value=0.1, **adam),
    ]


def conv_network():
    words = ("conv2d:2@3,padding=1 relu max_pool:2 conv2d:4@3,stride=2,padding=1,groups=2 tanh "
             "max_pool:3,stride=1,padding=1 affine:3")
    return [network(5, "conv-adam", [1, 7, 5], words, "softmax_with_loss", ADAM, [4, 4, 3])]


def norm_network():
    # Not Adam: a bias before a batch norm has no gradient, and Adam would make steps of its rounding.
    descent = {"name": "momentum", "rate": 0.02, "momentum": 0.9}
    return [
        network(6, "batch-norm", [5], "affine:7 batch_norm gelu affine:6 layer_norm elu affine:3", "softmax_with_loss",
                descent, [7, 7, 2]),
        network(7, "batch-norm-images", [2, 6, 5],
                "conv2d:3@3,padding=1 batch_norm silu avg_pool:3,stride=2,padding=1 conv2d:4@2 batch_norm relu "
                "global_avg_pool affine:3", "softmax_with_loss", descent, [3, 3, 1]),
    ]


def more_networks():
    """Each layer and each loss that the other networks lack."""
    descent = {"name": "momentum", "rate": 0.05, "momentum": 0.9}
    return [
        network(31, "branches", [5], "affine:6 residual( affine:4 softplus affine:6 ) concat( leaky_relu | affine:3 softmax | ) "
                "affine:3", "softmax_with_loss", descent, [6, 6, 1]),
        network(32, "branches-of-images", [2, 5, 5],
                "conv2d:3@3,padding=1 residual( conv2d:3@3,padding=1 tanh ) concat( max_pool:2 | conv2d:2@2,stride=2 ) affine:3",
                "softmax_with_loss", descent, [3, 3, 1]),
        network(33, "embedding", [2], "embedding:7@3 flatten affine:5 tanh affine:3", "softmax_with_loss", ADAM, [8, 8, 5]),
        network(34, "smoothed", [5], "affine:7 relu affine:4", "smoothed_softmax_with_loss", descent, [6, 6, 1]),
        network(35, "absolute", [5], "affine:7 tanh affine:2", "mean_absolute_error", {"name": "sgd", "rate": 0.05}, [6, 6, 1]),
        network(36, "huber", [5], "affine:7 tanh affine:2", "huber_loss", descent, [6, 6, 1]),
        network(37, "binary", [5], "affine:7 tanh affine:3", "binary_cross_entropy", descent, [6, 6, 1]),
    ]


# Ops

class Value:
    """An operand: `rows` of `shape` each, or one whole value if `rows` is None."""

    def __init__(self, shape, rows, values, label=False, fixed=False):
        full = ([] if rows is None else [rows]) + list(shape)
        self.shape, self.rows, self.label, self.fixed = list(shape), rows, label, label or fixed
        self.tensor = torch.tensor(np.asarray(values), dtype=torch.float64).reshape(full)
        self.tensor.requires_grad_(not self.fixed)

    def json(self):
        values = [int(v) for v in flat(self.tensor)] if self.label else flat(self.tensor)
        return {"shape": self.shape, "rows": self.rows, "values": values}


def case(rng, op, f, *inputs, dy=None, mean=False, **more):
    """f takes tensors and returns one; its first axis are the rows if any operand has them."""
    y = f(*(v.tensor for v in inputs))
    rows = next((v.rows for v in inputs if v.rows is not None), None)
    if mean:
        dy = np.full(y.shape, 1 / rows)
        more["mean"] = y.mean().item()
    dy = torch.from_numpy(np.asarray(exact(rng.standard_normal(tuple(y.shape))) if dy is None else dy))
    wanted = [v.tensor for v in inputs if not v.fixed]
    gradients = iter(torch.autograd.grad(y, wanted, dy))
    return {
        "op": op,
        **more,
        "inputs": [v.json() for v in inputs],
        "output_shape": list(y.shape[0 if rows is None else 1:]),
        "output_rows": rows,
        "output": flat(y),
        "dy": flat(dy),
        "gradients": [[] if v.fixed else flat(next(gradients)) for v in inputs],
    }


def ops():
    rng = np.random.RandomState(4)
    cases = []

    def full(shape, rows):
        return ([] if rows is None else [rows]) + list(shape)

    def normal(shape, rows=None):
        return Value(shape, rows, exact(rng.standard_normal(full(shape, rows))))

    def positive(shape, rows=None):
        return Value(shape, rows, exact(rng.uniform(0.25, 3, full(shape, rows))))

    def away_from_zero(shape, rows=None):
        size = full(shape, rows)
        return Value(shape, rows, exact(rng.uniform(0.5, 2, size) * rng.choice([-1, 1], size)))

    def labels(classes, rows):
        return Value([], rows, rng.randint(0, classes, rows), label=True)

    def add(op, f, *inputs, **more):
        cases.append(case(rng, op, f, *inputs, **more))

    # Rows with rows, with one whole value, and with a number.
    for op, f in [("add", torch.add), ("sub", torch.sub), ("mul", torch.mul), ("div", torch.div)]:
        right = away_from_zero if op == "div" else normal
        add(op, f, normal([5], 3), right([5], 3))
        add(op, f, normal([5], 3), right([5]))
        add(op, f, normal([7], 3), right([]))
    add("add", torch.add, normal([3]), normal([3]))

    every = [("neg", torch.neg, normal), ("exp", torch.exp, normal), ("ln", torch.log, positive),
             ("sin", torch.sin, normal), ("cos", torch.cos, normal), ("tanh", torch.tanh, normal),
             ("sqrt", torch.sqrt, positive), ("relu", torch.relu, away_from_zero),
             ("sigmoid", torch.sigmoid, normal), ("gelu", F.gelu, normal), ("silu", F.silu, normal),
             ("softplus", F.softplus, normal)]
    for op, f, draw in every:
        add(op, f, draw([5], 3))
        add(op, f, draw([3, 7]))
    add("relu", torch.relu, Value([3], 1, [0.0, -1.0, 1.0]))  # at the kink the derivative is 0
    far = [-1000.0, -40.0, -7.5, 7.5, 40.0, 1000.0, -0.5]  # where a careless formula overflows
    add("tanh", torch.tanh, Value([7], 1, far))
    add("sigmoid", torch.sigmoid, Value([7], 1, far))
    for op, f in [("gelu", F.gelu), ("silu", F.silu), ("softplus", F.softplus)]:
        add(op, f, Value([7], 1, far))
    either = [0.0, -1.0, 1.0, 2.0, -3.0, 40.0, -40.0, 0.5]
    for slope in [0.01, 0.25]:
        add("leaky_relu", lambda x, s=slope: F.leaky_relu(x, s), Value([4], 2, either), slope=slope)
    for alpha in [1.0, 0.375]:
        add("elu", lambda x, a=alpha: F.elu(x, a), Value([4], 2, either), alpha=alpha)
    for exponent, draw in [(3.0, normal), (2.0, normal), (0.5, positive), (-1.5, positive)]:
        add("pow", lambda x, e=exponent: x**e, draw([5], 3), exponent=exponent)

    # One number a row, or of a whole value one number.
    for op, f in [("sum", torch.sum), ("mean", torch.mean)]:
        add(op, lambda x, f=f: f(x, dim=1), normal([5], 3))
        add(op, lambda x, f=f: f(x, dim=(1, 2)), normal([2, 3], 5))
        add(op, f, normal([3, 5]))

    def affine(x, w, b):
        return x @ w + b

    add("affine", affine, normal([5], 3), normal([5, 4]), normal([4]))
    add("affine", affine, normal([9], 1), normal([9, 7]), normal([7]))
    add("matmul", torch.matmul, normal([5], 3), normal([5, 4]))
    add("matmul", torch.matmul, normal([3, 5]), normal([5, 7]))

    def softmax(x):
        return torch.softmax(x, dim=1)

    huge = [1000.0, -1000.0, 0.0, 999.0, -5.5,
            -1000.0, -1000.0, -999.5, -1000.0, -1001.0,
            1000.0, 1000.0, 1000.0, 1000.0, 1000.0]
    add("softmax", softmax, normal([5], 3))
    add("softmax", softmax, Value([5], 3, huge))

    def softmax_with_loss(x, t):
        return F.cross_entropy(x, t.long(), reduction="none")

    add("softmax_with_loss", softmax_with_loss, normal([5], 3), labels(5, 3), mean=True)
    add("softmax_with_loss", softmax_with_loss, normal([7], 5), labels(7, 5))
    add("softmax_with_loss", softmax_with_loss, Value([5], 3, huge), Value([], 3, [1, 2, 4], label=True), mean=True)

    def cross_entropy(p, t):
        return -torch.log(p.gather(1, t.long()[:, None])).squeeze(1)

    def probabilities(classes, rows):
        p = exact(rng.dirichlet([2.0] * classes, rows)).clip(2**-10)
        p[:, 0] += 1 - p.sum(axis=1)  # a row's sum is one, exactly
        return Value([classes], rows, p)

    add("cross_entropy", cross_entropy, probabilities(5, 3), labels(5, 3), mean=True)
    add("cross_entropy", cross_entropy, probabilities(7, 5), labels(7, 5))

    def mean_squared_error(y, t):
        return F.mse_loss(y, t, reduction="none").mean(dim=1)

    add("mean_squared_error", mean_squared_error, normal([5], 3), normal([5], 3), mean=True)
    add("mean_squared_error", mean_squared_error, normal([3], 7), normal([3], 7))

    def mean_absolute_error(y, t):
        return F.l1_loss(y, t, reduction="none").mean(dim=1)

    add("mean_absolute_error", mean_absolute_error, normal([5], 3), normal([5], 3), mean=True)
    add("mean_absolute_error", mean_absolute_error, Value([3], 1, [1.0, 2, 3]), Value([3], 1, [1.0, 0, 5]))
    for delta in [1.0, 0.25]:
        add("huber_loss", lambda y, t, d=delta: F.huber_loss(y, t, reduction="none", delta=d).mean(dim=1),
            normal([5], 3), normal([5], 3), mean=True, delta=delta)

    def binary_cross_entropy(x, t):
        return F.binary_cross_entropy_with_logits(x, t, reduction="none").mean(dim=1)

    add("binary_cross_entropy", binary_cross_entropy, normal([1], 3), Value([1], 3, [0.0, 1, 1]), mean=True)
    add("binary_cross_entropy", binary_cross_entropy, normal([7], 1), Value([7], 1, [0.0, 1, 1, 0, 0.25, 0.5, 1]))
    add("binary_cross_entropy", binary_cross_entropy, Value([7], 1, far), Value([7], 1, [0.0, 1, 1, 0, 1, 0, 1]))

    for smoothing in [0.0, 0.125]:
        def smoothed(x, t, w=None, e=smoothing):
            return F.cross_entropy(x, t.long(), weight=w, label_smoothing=e, reduction="none")

        add("smoothed_softmax_with_loss", smoothed, normal([5], 3), labels(5, 3), mean=True, smoothing=smoothing)
        weights = Value([5], None, [0.5, 2.0, 1.0, 0.0, 3.5], fixed=True)
        add("weighted_softmax_with_loss", smoothed, normal([5], 7), labels(5, 7), weights, smoothing=smoothing)
        add("weighted_softmax_with_loss", smoothed, Value([5], 3, huge), Value([], 3, [1, 2, 4], label=True), weights,
            smoothing=smoothing)

    def conv2d(x, w, b, *, stride=1, padding=0, dilation=1, groups=1):
        options = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
        add("conv2d", lambda *operands: F.conv2d(*operands, **options), x, w, b, **options)

    conv2d(normal([2, 5, 3], 2), normal([3, 2, 3, 2]), normal([3]))
    conv2d(normal([1, 6, 5], 1), normal([3, 1, 3, 3]), normal([3]), stride=2, padding=1)
    conv2d(normal([2, 7, 5], 1), normal([2, 2, 2, 3]), normal([2]), stride=3, padding=2, dilation=2)
    conv2d(normal([4, 3, 3], 2), normal([2, 2, 3, 1]), normal([2]), padding=1, groups=2)
    conv2d(normal([3, 4, 5], 1), normal([3, 1, 2, 2]), normal([3]), stride=2, padding=3, dilation=3, groups=3)

    def max_pool(x, size, stride, padding=0):
        options = {"stride": stride, "padding": padding}
        add("max_pool", lambda x: F.max_pool2d(x, size, **options), x, size=size, **options)

    max_pool(normal([2, 4, 5], 1), 2, 2)
    max_pool(normal([1, 7, 5], 1), 3, 2, 1)
    max_pool(normal([1, 3, 19], 1), 3, 1, 1)
    max_pool(Value([1, 5, 7], 2, rng.randint(-1, 2, (2, 1, 5, 7)).astype(float)), 3, 2, 1)  # equals: the first is chosen

    def avg_pool(x, size, stride, padding=0):
        options = {"stride": stride, "padding": padding}
        add("avg_pool", lambda x: F.avg_pool2d(x, size, **options), x, size=size, **options)

    avg_pool(normal([2, 4, 5], 1), 2, 2)
    avg_pool(normal([1, 7, 5], 2), 3, 2, 1)
    avg_pool(normal([3, 3, 7], 1), 3, 1, 1)
    add("global_avg_pool", lambda x: F.adaptive_avg_pool2d(x, 1).flatten(1), normal([3, 5, 7], 2))
    def numbers(count, shape, rows):
        return Value(shape, rows, rng.randint(0, count, (rows, *shape)), label=True)

    add("embedding", lambda x, w: F.embedding(x.long(), w), numbers(5, [3], 7), normal([5, 4]))
    add("embedding", lambda x, w: F.embedding(x.long(), w), numbers(3, [], 1), normal([3, 7]))
    add("concat", lambda *x: torch.cat(x, dim=1), normal([2, 3, 5], 3), normal([1, 3, 5], 3), normal([4, 3, 5], 3))
    add("layer_norm", lambda x, w, b: F.layer_norm(x, [7], w, b), normal([7], 3), normal([7]), normal([7]), epsilon=1e-5)
    add("layer_norm", lambda x, w, b: F.layer_norm(x, [2, 3, 5], w, b), normal([2, 3, 5], 1), normal([2, 3, 5]),
        normal([2, 3, 5]), epsilon=1e-5)

    # Training form, then test form by given statistics; of a batch of one PyTorch has only images.
    def batch_norm(x, w, b):
        return F.batch_norm(x, None, None, w, b, training=True, eps=1e-5)

    def normalise(x, m, v, w, b):
        return F.batch_norm(x, m, v, w, b, training=False, eps=1e-5)

    for shape, rows in [([5], 3), ([1], 7), ([3, 5, 2], 4), ([2, 3, 3], 1)]:
        c = [shape[0]]
        add("batch_norm", batch_norm, normal(shape, rows), normal(c), normal(c), epsilon=1e-5)
        statistics = [Value(c, None, exact(rng.standard_normal(c)), fixed=True),
                      Value(c, None, exact(rng.uniform(0.25, 3, c)), fixed=True)]
        add("normalise", normalise, normal(shape, rows), *statistics, normal(c), normal(c), epsilon=1e-5)
    return cases


# Files

def write(path, key, entries):
    """JSON with a line for each field of an entry, so that a change shows as one."""
    def line(value):
        return json.dumps(value, allow_nan=False)

    head = "".join(f"{line(k)}: {line(v)},\n" for k, v in [("torch", torch.__version__), ("numpy", np.__version__)])
    bodies = ["{" + ",\n ".join(f"{line(k)}: {line(v)}" for k, v in entry.items()) + "}" for entry in entries]
    text = "{\n" + head + line(key) + ": [\n" + ",\n".join(bodies) + "\n]\n}\n"
    assert json.loads(text)[key] == entries
    path.write_text(text)
    print(f"{path.name}: {len(entries)} {key}, {len(text)} bytes")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "crates/engine/tests/oracle")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    out.mkdir(parents=True, exist_ok=True)
    write(out / "three_networks.json", "networks", three_networks())
    write(out / "conv_network.json", "networks", conv_network())
    write(out / "norm_network.json", "networks", norm_network())
    write(out / "optimizers.json", "networks", optimizers())
    write(out / "more_networks.json", "networks", more_networks())
    write(out / "ops.json", "cases", ops())


if __name__ == "__main__":
    main()
