#!/usr/bin/env python3
"""Write a Sequential's weights and what PyTorch makes of them, for `train --init-from` to be held against.

    python3 -m venv VENV && VENV/bin/pip install numpy torch safetensors
    VENV/bin/python tools/init_from_oracle.py [--out FOLDER]

writes to `crates/learn/tests/oracle/`

    sequential.safetensors  as `safetensors.torch.save_file(model.state_dict())` does, after some training on the digits
                            of `crates/learn/data`, so that no statistic is as it began
    sequential.json         model           the SPEC of the same network
                            train_loss      of all digits as one batch, in training form
                            probabilities   of the first rows in test form, after that batch moved the running statistics
"""
import argparse
import gzip
import json
import pathlib

import numpy as np
import torch
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).resolve().parent
ROWS = 6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "crates/learn/tests/oracle")
    out = parser.parse_args().out
    torch.set_num_threads(1)
    torch.manual_seed(5)
    with gzip.open(HERE.parent / "crates/learn/data/digits.csv.gz", "rt") as file:
        table = np.loadtxt(file, delimiter=",")
    x = torch.tensor(table[:, :-1] / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)
    t = torch.tensor(table[:, -1], dtype=torch.long)

    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(36, 36), nn.LayerNorm(36), nn.Tanh(), nn.Linear(36, 10),
    )
    optimizer = torch.optim.Adam(model.parameters(), 0.005)
    for step in range(60):
        rows = torch.arange(step * 29, step * 29 + 29) % len(t)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), t[rows]).backward()
        optimizer.step()
    save_file(model.state_dict(), out / "sequential.safetensors")

    with torch.no_grad():
        train_loss = nn.functional.cross_entropy(model(x), t).item()
        probabilities = model.eval()(x[:ROWS]).softmax(1).tolist()
    spec = "conv2d:4@3 batch_norm relu max_pool:2 flatten affine:36 layer_norm tanh affine:10"
    stored = {"torch": torch.__version__, "model": spec, "train_loss": train_loss, "probabilities": probabilities}
    (out / "sequential.json").write_text(json.dumps(stored, indent=1) + "\n")


if __name__ == "__main__":
    main()
