#!/usr/bin/env python3
"""Ask how much of this machine's limit a training step reaches.

    python bench/limits.py [--chainrule PATH] [--append bench/RESULTS.md]

The limit is what `chainrule bench` measures: FLOPs at the peak of multiply-adds, and the optimizer's bytes at the memory's bandwidth. The
share does not depend on how fast the machine is, so it shows at once what no test does: that the compiler has made a kernel slower.
Run it before and after each change below `crates/engine/src/cpu`, and with each new compiler. Exits 1 if a case is below its goal.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

import report

CONVNET = "conv2d:16@3,padding=1 relu max_pool:2 conv2d:32@3,padding=1 relu max_pool:2 flatten affine:128 relu affine:10"
DEEP = " ".join(["affine:100 relu"] * 6) + " affine:10"
# The case, its network, input, batch and optimizer, and the share that it is to reach.
CASES = [
    ("book", "affine:50 relu affine:10", "784", 100, "sgd", 0.6),
    ("tabular", "affine:64 relu affine:64 relu affine:2", "28", 256, "adam", 0.5),
    ("wide", "affine:1024 relu affine:1024 relu affine:10", "784", 128, "adam", 0.75),
    ("deep", DEEP, "784", 100, "adam", 0.6),
    ("convnet", CONVNET, "1x28x28", 64, "adam", 0.5),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--chainrule", type=pathlib.Path, default=root / "target/release/chainrule", metavar="PATH")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--append", type=pathlib.Path, metavar="FILE")
    args = parser.parse_args()
    if not os.access(args.chainrule, os.X_OK):
        parser.error(f"{args.chainrule} is no program; build it: cargo build --release")
    if args.rounds < 1:
        parser.error("expected a round or more")

    load = os.getloadavg()[0]
    found = {case: [] for case, *_ in CASES}
    for _ in range(args.rounds):
        for case, model, shape, batch, optimizer, _ in CASES:
            command = [args.chainrule, "bench", "--model", model, "--input", shape, "--batch", str(batch)]
            output = subprocess.run([*command, "--optimizer", optimizer, "--json"], capture_output=True, text=True)
            if output.returncode:
                sys.exit(f"{case}: {output.stderr.strip()}")
            found[case].append(json.loads(output.stdout))

    lines = ["| case | µs a step | of the limit | goal |", "|---|--:|--:|--:|"]
    below = []
    for case, *_, goal in CASES:
        shares = sorted(one["fraction"] for one in found[case])
        share = statistics.median(shares)
        step = statistics.median(one["measured"]["median_us"] for one in found[case])
        lines.append(f"| {case} | {step:,.1f} | **{share:.2f}** ({shares[0]:.2f}..{shares[-1]:.2f}) | {goal} |")
        if share < goal:
            below.append(case)
    machine = found["book"][-1]["machine"]
    peak, bandwidth = machine["peak_flops"] / 1e9, machine["bandwidth"] / 1e9
    said = f"{machine['instruction_set']}, {machine['threads']} threads: {peak:.0f} GFLOP/s, {bandwidth:.0f} GB/s"
    top = report.heading("the share of the limit", machine["threads"], load, [], [
        f"{args.rounds} rounds; {said} in the last.",
        "Median microseconds of a step · **the share of the limit that it reaches** (smallest..largest of the rounds).",
    ])
    text = top + "\n".join(lines) + f"\n\n- Below its goal: {', '.join(below) or 'none'}.\n"
    print(text)
    if args.append:
        report.append(args.append, text)
    sys.exit(1 if below else 0)


if __name__ == "__main__":
    main()
