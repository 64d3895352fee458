#!/usr/bin/env python3
"""Write the files that the readers of numpy's arrays are held against.

    python3 -m venv VENV && VENV/bin/pip install numpy scikit-learn
    VENV/bin/python tools/arrays_oracle.py [--out FOLDER]

Writes to `crates/learn/tests/oracle/`:

    arrays.npz, arrays.json   an array of each type, byte order and order of axes, deflated; its cells row by row
    irises.npz, irises.json   scikit-learn's irises, x and y, not deflated; their numbers
    pixels.npz, pixels.json   images of bytes as Keras has its data: x_train, y_train, x_test, y_test
"""
import argparse
import json
import pathlib

import numpy as np
from sklearn.datasets import load_iris

HERE = pathlib.Path(__file__).resolve().parent


def write(out, name, arrays, save):
    save(out / f"{name}.npz", **arrays)
    listed = {key: {"shape": x.shape, "cells": x.astype(float).ravel().tolist()} for key, x in arrays.items()}
    (out / f"{name}.json").write_text(json.dumps({"numpy": np.__version__, "arrays": listed}) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "crates/learn/tests/oracle")
    out = parser.parse_args().out
    random = np.random.default_rng(1)
    arrays = {}
    for code in ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f4", "f8"]:
        for end, order in [("<", "C"), (">", "F"), ("<", "F")]:
            dtype = np.dtype(code).newbyteorder(end)
            if dtype.kind in "iu":
                # An f64 holds no more of a whole number.
                info, most = np.iinfo(code), 2**53
                cells = random.integers(max(info.min, -most), min(int(info.max), most), (3, 2, 4), endpoint=True)
            elif dtype.kind == "b":
                cells = random.integers(0, 2, (3, 2, 4))
            else:
                cells = random.normal(size=(3, 2, 4)) * 10.0 ** random.integers(-30, 30, (3, 2, 4))
            arrays[f"{code} {'big' if end == '>' else 'little'} {order}"] = np.asarray(cells, dtype=dtype, order=order)
    write(out, "arrays", arrays, np.savez_compressed)
    x, y = load_iris(return_X_y=True)
    write(out, "irises", {"x": x, "y": y}, np.savez)
    images = {}
    for part, rows in [("train", 9), ("test", 4)]:
        images[f"x_{part}"] = random.integers(0, 256, (rows, 4, 5), dtype=np.uint8)
        images[f"y_{part}"] = np.arange(rows, dtype=np.uint8) % 3
    write(out, "pixels", images, np.savez_compressed)


main()
