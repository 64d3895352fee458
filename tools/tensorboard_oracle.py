#!/usr/bin/env python3
"""Write the bytes that event files are held against, by TensorBoard's own messages and its own writer of records.

    python3 -m venv VENV && VENV/bin/pip install tensorboard
    VENV/bin/python tools/tensorboard_oracle.py [--out FOLDER]

Writes `tensorboard.json` to `crates/learn/tests/oracle/`: of each event its record, length and sums with it, in hexadecimal.

    version      the event that begins a file, at the time 1.5
    scalars      at the time 2.25, step 300: loss/train is 0.5, rate is 0
    histogram    at step 0: three parts of −1 to 2 with 1, 0 and 3 numbers, whose root mean square is 1.5
    picture      at step 1: 2 × 3 pixels in one channel, the bytes "png"
    text         at step 0: settings is "| a |"
"""
import argparse
import io
import json
import pathlib

import tensorboard
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2, types_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

HERE = pathlib.Path(__file__).resolve().parent


class Bytes(io.BytesIO):
    """Bytes that outlive the file."""

    def close(self):
        pass


def record(event):
    out = Bytes()
    RecordWriter(out).write(event.SerializeToString(deterministic=True))
    return out.getvalue().hex()


def event(step, *values):
    return record(event_pb2.Event(wall_time=2.25, step=step, summary=summary_pb2.Summary(value=values)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "crates/learn/tests/oracle")
    out = parser.parse_args().out
    value = summary_pb2.Summary.Value
    histogram = summary_pb2.HistogramProto(
        # The parts' middles are −0.5, 0.5 and 1.5.
        min=-1, max=2, num=4, sum=4, sum_squares=9, bucket_limit=[0, 1, 2], bucket=[1, 0, 3]
    )
    picture = summary_pb2.Summary.Image(height=2, width=3, colorspace=1, encoded_image_string=b"png")
    shape = tensor_shape_pb2.TensorShapeProto(dim=[tensor_shape_pb2.TensorShapeProto.Dim(size=1)])
    text = tensor_pb2.TensorProto(dtype=types_pb2.DT_STRING, tensor_shape=shape, string_val=[b"| a |"])
    plugin = summary_pb2.SummaryMetadata.PluginData(plugin_name="text")
    metadata = summary_pb2.SummaryMetadata(plugin_data=plugin)
    oracle = {
        "tensorboard": tensorboard.__version__,
        "version": record(event_pb2.Event(wall_time=1.5, file_version="brain.Event:2")),
        "scalars": event(300, value(tag="loss/train", simple_value=0.5), value(tag="rate", simple_value=0.0)),
        "histogram": event(0, value(tag="gradients/0.weight", histo=histogram)),
        "picture": event(1, value(tag="filters/0.weight", image=picture)),
        "text": event(0, value(tag="settings", tensor=text, metadata=metadata)),
    }
    path = out / "tensorboard.json"
    path.write_text(json.dumps(oracle, indent=1) + "\n")
    print(path)


if __name__ == "__main__":
    main()
