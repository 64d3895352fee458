#!/usr/bin/env python3
"""Ask how much of this machine's limit a training step reaches.

    python bench/limits.py [--chainrule PATH] [--instructions avx2] [--append bench/RESULTS.md]

The limit is what `chainrule bench` measures: FLOPs at the peak of multiply-adds, and the optimizer's bytes at the memory's bandwidth. The
share does not depend on how fast the machine is, so it shows at once what no test does: that the compiler has made a kernel slower.
It does depend on how far the cores are apart, which a virtual machine may change at any time, so rounds in which the threads met
late stand by themselves. A convolution counts as all of its products, though tiles take fewer. Goals are for threads that meet early, if there are any.
Run it, for each instruction set, before and after each change below `crates/engine/src/cpu`, and with each new compiler. Exits 1 if a case is below its goal.
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


def cells(runs):
    """The median step, its share of the limit with the smallest and largest, and the number of runs."""
    if not runs:
        return "– | – | 0"
    shares = sorted(one["fraction"] for one in runs)
    step = statistics.median(one["measured"]["median_us"] for one in runs)
    return f"{step:,.1f} | **{statistics.median(shares):.2f}** ({shares[0]:.2f}..{shares[-1]:.2f}) | {len(runs)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parent.parent
    parser.add_argument("--chainrule", type=pathlib.Path, default=root / "target/release/chainrule", metavar="PATH")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--instructions", metavar="SET", help="avx512, avx2 or portable (default: the machine's best)")
    parser.add_argument("--append", type=pathlib.Path, metavar="FILE")
    args = parser.parse_args()
    if not os.access(args.chainrule, os.X_OK):
        parser.error(f"{args.chainrule} is no program; build it: cargo build --release")
    if args.rounds < 1:
        parser.error("expected a round or more")

    chosen = ["--instructions", args.instructions] if args.instructions else []
    load = os.getloadavg()[0]
    found = {case: [] for case, *_ in CASES}
    for _ in range(args.rounds):
        for case, model, shape, batch, optimizer, _ in CASES:
            command = [args.chainrule, "bench", "--model", model, "--input", shape, "--batch", str(batch)]
            output = subprocess.run([*command, *chosen, "--optimizer", optimizer, "--json"], capture_output=True, text=True)
            if output.returncode:
                print(f"{case}: {output.stderr.strip()}", file=sys.stderr)
                sys.exit(2)
            found[case].append(json.loads(output.stdout))

    meetings = sorted(one["machine"]["meeting_us"] for runs in found.values() for one in runs)
    # Cores that share a cache meet several times as fast as others, and a virtual machine moves from the one to the other.
    apart = 3 * meetings[0]
    lines = ["| case | µs a step | of the limit | rounds | cores apart: µs a step | of the limit | rounds | goal |"]
    lines.append("|---|--:|--:|--:|--:|--:|--:|--:|")
    below = []
    for case, *_, goal in CASES:
        near = [one for one in found[case] if one["machine"]["meeting_us"] <= apart]
        far = [one for one in found[case] if one["machine"]["meeting_us"] > apart]
        lines.append(f"| {case} | {cells(near)} | {cells(far)} | {goal} |")
        if statistics.median(one["fraction"] for one in near or far) < goal:
            below.append(case)
    machine = found["book"][-1]["machine"]
    peak, bandwidth = machine["peak_flops"] / 1e9, machine["bandwidth"] / 1e9
    said = f"{machine['instruction_set']}, {machine['threads']} threads: {peak:.0f} GFLOP/s, {bandwidth:.0f} GB/s"
    top = report.heading("the share of the limit", machine["threads"], load, [], [
        f"{args.rounds} rounds; {said} in the last; threads met in {meetings[0]:.2f} to {meetings[-1]:.2f} µs.",
        "Median microseconds of a step, **the share of the limit that it reaches** (smallest..largest) and in how many rounds: where the "
        "threads met within three times the shortest time, and where they took longer.",
    ])
    text = top + "\n".join(lines) + f"\n\n- Below its goal: {', '.join(below) or 'none'}.\n"
    print(text)
    if args.append:
        report.append(args.append, text)
    sys.exit(1 if below else 0)


if __name__ == "__main__":
    main()
