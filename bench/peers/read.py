#!/usr/bin/env python3
"""Reads a CSV table into rows of float32 with a library: one JSON object with the seconds, without its import.

`numbers` alone are made: a text column is left to `get_dummies` or `to_dummies`, as chainrule makes numbers of it too.
"""
import argparse
import json
import time
from importlib import metadata


def pandas_peer(path, target):
    import pandas
    start = time.perf_counter()
    frame = pandas.read_csv(path)
    parsed = time.perf_counter() - start
    rows = pandas.get_dummies(frame.drop(columns=target)).to_numpy("float32")
    return start, parsed, rows.shape


def polars_peer(path, target):
    import polars
    start = time.perf_counter()
    frame = polars.read_csv(path)
    parsed = time.perf_counter() - start
    frame = frame.drop(target)
    text = [name for name, kind in zip(frame.columns, frame.dtypes) if kind == polars.String]
    rows = frame.to_dummies(text).cast(polars.Float32).to_numpy() if text else frame.cast(polars.Float32).to_numpy()
    return start, parsed, rows.shape


PEERS = {"pandas": pandas_peer, "polars": polars_peer}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", nargs="?")
    parser.add_argument("target", nargs="?")
    parser.add_argument("--peer", choices=list(PEERS), default="polars")
    parser.add_argument("--versions", action="store_true", help="print the libraries' versions and stop")
    args = parser.parse_args()
    if args.versions:
        print(json.dumps({name: metadata.version(name) for name in PEERS}))
        return
    try:
        start, parsed, (rows, columns) = PEERS[args.peer](args.path, args.target)
        line = {"seconds": time.perf_counter() - start, "parsed_s": parsed, "rows": rows, "columns": columns}
    except Exception as error:  # not installed: the others still run
        line = {"error": f"{type(error).__name__}: {error}"[:300]}
    print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
