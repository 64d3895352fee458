#!/usr/bin/env python3
"""Write the tables that the reader of Parquet is held against: each also as CSV, which must give the same.

    python3 -m venv VENV && VENV/bin/pip install pandas pyarrow
    VENV/bin/python tools/parquet_oracle.py [--out FOLDER]

Writes to `crates/learn/tests/oracle/`:

    parquet.csv               numbers, truths, words with commas, quotes and gaps, dates and times; `y` is the target
    parquet_snappy.parquet    pandas' usual: dictionaries, snappy, nanoseconds
    parquet_plain.parquet     no dictionaries, no compression, milliseconds, row groups of 7 rows
    parquet_gzip.parquet      gzip, version 1 pages, narrow types
    parquet_nested.parquet    a column of lists, which is refused
    parquet_zstd.parquet      Zstandard, which is refused by its name
"""
import argparse
import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = pathlib.Path(__file__).resolve().parent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "crates/learn/tests/oracle")
    out = parser.parse_args().out
    draw = np.random.default_rng(5)
    rows = 60
    words = ["plain", "with, comma", 'with "quotes"', "한글", None]
    table = pd.DataFrame({
        "float": np.where(draw.random(rows) < 0.1, np.nan, draw.normal(size=rows)),
        "whole": pd.array(np.where(np.arange(rows) % 9 == 4, None, draw.integers(-50, 50, rows)), dtype="Int64"),
        "truth": draw.random(rows) < 0.5,
        "word": [words[i] for i in draw.integers(0, len(words), rows)],
        "day": pd.to_datetime("2023-11-05") + pd.to_timedelta(draw.integers(0, 400, rows), unit="D"),
        "moment": pd.to_datetime("2020-01-01") + pd.to_timedelta(draw.integers(0, 10**8, rows), unit="s"),
        "y": draw.choice(["yes", "no"], rows),
    })
    spelled = table.assign(truth=table["truth"].map({True: "true", False: "false"}))
    spelled.to_csv(out / "parquet.csv", index=False, date_format="%Y-%m-%dT%H:%M:%S")
    # A day alone is a date.
    text = (out / "parquet.csv").read_text().replace("T00:00:00", "")
    (out / "parquet.csv").write_text(text)
    table.to_parquet(out / "parquet_snappy.parquet", index=False)
    dates = table.assign(day=table["day"].dt.date)
    schema = pa.Table.from_pandas(dates, preserve_index=False)
    pq.write_table(schema, out / "parquet_plain.parquet", use_dictionary=False, compression="none", row_group_size=7,
                   coerce_timestamps="ms", data_page_version="2.0")
    narrow = schema.set_column(1, "whole", schema["whole"].cast(pa.int8()))
    pq.write_table(narrow, out / "parquet_gzip.parquet", compression="gzip", version="1.0", coerce_timestamps="us")
    pq.write_table(pa.table({"x": [1], "y": ["a"]}), out / "parquet_zstd.parquet", compression="zstd")
    pq.write_table(pa.table({"list": [[1, 2], [3]], "y": ["a", "b"]}), out / "parquet_nested.parquet")


if __name__ == "__main__":
    main()
