#!/usr/bin/env python3
"""Train on MNIST's files from start to end, as a user of PyTorch or scikit-learn would.

    python train.py FOLDER --peer torch|torch-resident|scikit-learn [--epochs 10] [--batch 100] [--threads N]

784-256-128-10 with ReLU, Adam with a rate of 0.001, the same batches, all training rows. `torch` follows the tutorial:
a Dataset that makes a tensor of one image at a time, a DataLoader that shuffles and collates them. `torch-resident` keeps
the images as one tensor and indexes it. Printed: {"test_accuracy"}.
"""
import argparse
import gzip
import json
import pathlib
import struct
import warnings
from importlib import metadata

from step import use_threads

SIZES = (784, 256, 128, 10)
RATE = 1e-3


def idx(folder, name):
    """An IDX file, plain or gzipped, as an array of bytes."""
    import numpy as np
    plain = folder / name
    read = plain.read_bytes if plain.exists() else gzip.open(folder / f"{name}.gz").read
    content = read()
    axes = content[3]
    shape = struct.unpack(f">{axes}I", content[4:4 + 4 * axes])
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def data(folder):
    return [idx(folder, f"{part}-{what}") for part in ("train", "t10k")
            for what in ("images-idx3-ubyte", "labels-idx1-ubyte")]


def network():
    from torch import nn
    layers = [nn.Flatten()]
    for i, o in zip(SIZES, SIZES[1:]):
        layers += [nn.Linear(i, o), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def learn(model, epochs, batches):
    import torch
    descent = torch.optim.Adam(model.parameters(), lr=RATE)
    loss = torch.nn.CrossEntropyLoss()
    for _ in range(epochs):
        model.train()
        for x, t in batches():
            error = loss(model(x), t)
            error.backward()
            descent.step()
            descent.zero_grad()


def accuracy(model, batches, rows):
    import torch
    model.eval()
    with torch.no_grad():
        return sum((model(x).argmax(1) == t).sum().item() for x, t in batches) / rows


def torch_peer(folder, args):
    import torch
    from torch.utils.data import DataLoader, Dataset

    class Images(Dataset):
        def __init__(self, images, labels):
            self.images, self.labels = torch.from_numpy(images.copy()), torch.from_numpy(labels.astype("int64"))

        def __len__(self):
            return len(self.labels)

        def __getitem__(self, at):
            return self.images[at].unsqueeze(0).float() / 255, int(self.labels[at])

    x, t, test_x, test_t = data(folder)
    train = DataLoader(Images(x, t), batch_size=args.batch, shuffle=True)
    test = DataLoader(Images(test_x, test_t), batch_size=args.batch)
    model = network()
    learn(model, args.epochs, lambda: train)
    return accuracy(model, test, len(test_t))


def torch_resident_peer(folder, args):
    import torch
    x, t, test_x, test_t = (torch.from_numpy(part.copy()) for part in data(folder))
    x, test_x, t, test_t = x.float() / 255, test_x.float() / 255, t.long(), test_t.long()

    def batches():
        for rows in torch.randperm(len(x)).split(args.batch):
            yield x[rows], t[rows]

    model = network()
    learn(model, args.epochs, batches)
    return accuracy(model, zip(test_x.split(1024), test_t.split(1024)), len(test_t))


def scikit_learn_peer(folder, args):
    from sklearn.neural_network import MLPClassifier
    warnings.filterwarnings("ignore")  # that so many epochs did not converge
    x, t, test_x, test_t = data(folder)
    x, test_x = (part.reshape(len(part), -1).astype("float32") / 255 for part in (x, test_x))
    model = MLPClassifier(SIZES[1:-1], solver="adam", batch_size=args.batch, learning_rate_init=RATE, alpha=0.0,
                          max_iter=args.epochs, n_iter_no_change=args.epochs + 1, early_stopping=False)
    return float(model.fit(x, t).score(test_x, test_t))


PEERS = {"torch": torch_peer, "torch-resident": torch_resident_peer, "scikit-learn": scikit_learn_peer}


def versions():
    found = {}
    for name in ("numpy", "torch", "scikit-learn"):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, metavar="FOLDER", help="of MNIST's four IDX files")
    parser.add_argument("--peer", choices=list(PEERS), default="torch")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--versions", action="store_true", help="print the libraries' versions and stop")
    args = parser.parse_args()
    if args.versions:
        print(json.dumps(versions()))
        return
    if args.folder is None:
        parser.error("expected the FOLDER of MNIST's files")
    use_threads(args.threads)
    print(json.dumps({"peer": args.peer, "test_accuracy": round(PEERS[args.peer](args.folder, args), 4)}))


if __name__ == "__main__":
    main()
