#!/usr/bin/env python3
"""Read the event files of a run with TensorBoard's own reader, and compare them with the run's other files.

    python3 -m venv VENV && VENV/bin/pip install tensorboard
    VENV/bin/python tools/tensorboard_check.py RUN LOGS

RUN was trained with `--tensorboard LOGS`. Scalars equal `metrics.jsonl` and `layers.jsonl` to float32, each step is there once
and in order, histograms have the counts of `layers.jsonl`, and pictures are PNG files. Exits 1 where that is not so.
"""
import argparse
import json
import pathlib
import sys

import numpy as np
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=pathlib.Path, metavar="RUN")
    parser.add_argument("logs", type=pathlib.Path, metavar="LOGS")
    args = parser.parse_args()
    everything = {"scalars": 0, "histograms": 0, "images": 0, "tensors": 0, "compressedHistograms": 1}
    events = EventAccumulator(str(args.logs / args.run.resolve().name), size_guidance=everything)
    events.Reload()
    tags = events.Tags()
    wrong, compared = [], 0

    def compare(tag, expected):
        nonlocal compared
        found = [(event.step, event.value) for event in events.Scalars(tag)] if tag in tags["scalars"] else []
        expected = [(step, float(np.float32(value))) for step, value in expected]
        compared += len(expected)
        if found != expected:
            wrong.append(f"{tag}: found {found[:3]}… of {len(found)}, expected {expected[:3]}… of {len(expected)}")

    metrics, layers = lines(args.run / "metrics.jsonl"), lines(args.run / "layers.jsonl")
    compare("loss/train", [(line["epoch"], line["train_loss"]) for line in metrics])
    compare("rate", [(line["epoch"], line["rate"]) for line in metrics])
    for name in metrics[0]["validation"] or {}:
        compare(f"{name}/validation", [(line["epoch"], line["validation"][name]) for line in metrics])
    for at, parameter in enumerate(layers[0]["parameters"]):
        name = parameter["name"]
        here = [(line["epoch"], line["parameters"][at]) for line in layers]
        compare(f"parameter_rms/{name}", [(epoch, parameter["rms"]) for epoch, parameter in here])
        compare(f"gradient_rms/{name}", [(epoch, parameter["gradient_rms"]) for epoch, parameter in here])
        for tag, of in [("parameters", "values"), ("gradients", "gradients")]:
            found = [(event.step, event.histogram_value.bucket) for event in events.Histograms(f"{tag}/{name}")]
            expected = [(epoch, [float(count) for count in parameter[of]["counts"]]) for epoch, parameter in here]
            compared += len(expected)
            if found != expected:
                wrong.append(f"{tag}/{name}: other counts than in layers.jsonl")
    speeds = events.Scalars("examples_per_second")
    if [event.step for event in speeds] != [line["epoch"] for line in metrics] or min(e.value for e in speeds) <= 0:
        wrong.append("examples_per_second: not once an epoch and above 0")
    for tag in tags["images"]:
        if not events.Images(tag)[0].encoded_image_string.startswith(b"\x89PNG"):
            wrong.append(f"{tag}: no PNG file")
    print(f"{compared} numbers and histograms compared, {len(tags['images'])} pictures, text: {', '.join(tags['tensors'])}")
    print("\n".join(wrong) or "all as in the run")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
