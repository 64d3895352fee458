#!/usr/bin/env python3
"""Write the numbers that a table's encoding is held against, computed by scikit-learn.

    python3 -m venv VENV && VENV/bin/pip install numpy scikit-learn
    VENV/bin/python tools/encoding_oracle.py DATA [--out FOLDER]

DATA is the folder of adult.csv.gz and housing.csv. Writes `encoding.json` to `crates/learn/tests/oracle/`: for each table

    file, target    which
    names           of the encoded numbers: `age`, `age is empty`, `sex=Male`, `sex is empty`, `sex is another`
    rows            of the file, from 0
    values          their encoded numbers, row after row

Fitted are the rows whose number does not divide by 5: numbers by SimpleImputer(median) and StandardScaler, with
MissingIndicator; categories by SimpleImputer("missing") and OneHotEncoder(min_frequency=10). `?` and nothing are empty cells.
"""
import argparse
import csv
import gzip
import json
import pathlib

import numpy as np
import sklearn
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HERE = pathlib.Path(__file__).resolve().parent
MISSING = "\x00missing"


def is_number(cell):
    try:
        return bool(np.isfinite(float(cell)))
    except ValueError:
        return False


def encode(path, target, rows):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        header, *table = list(csv.reader(file))
    fitted = np.arange(len(table)) % 5 != 0
    names, blocks = [], []
    for at, name in enumerate(header):
        if name == target:
            continue
        cells = [row[at].strip() for row in table]
        empty = [cell in ("", "?") for cell in cells]
        if all(is_number(cell) for cell, gap in zip(cells, empty) if not gap):
            column = np.array([np.nan if gap else float(cell) for cell, gap in zip(cells, empty)])[:, None]
            imputer = SimpleImputer(strategy="median").fit(column[fitted])
            scaler = StandardScaler().fit(imputer.transform(column[fitted]))
            blocks.append(scaler.transform(imputer.transform(column))[rows])
            names.append(name)
            if np.isnan(column[fitted]).any():
                blocks.append(MissingIndicator().fit(column[fitted]).transform(column)[rows].astype(float))
                names.append(f"{name} is empty")
        else:
            column = np.array([None if gap else cell for cell, gap in zip(cells, empty)], dtype=object)[:, None]
            imputer = SimpleImputer(strategy="constant", fill_value=MISSING, missing_values=None).fit(column[fitted])
            encoder = OneHotEncoder(min_frequency=10, handle_unknown="infrequent_if_exist", sparse_output=False)
            encoder.fit(imputer.transform(column[fitted]))
            blocks.append(encoder.transform(imputer.transform(column))[rows])
            for category in encoder.get_feature_names_out(["c"]):
                category = category[2:]
                names.append({MISSING: f"{name} is empty", "infrequent_sklearn": f"{name} is another"}.get(
                    category, f"{name}={category}"))
    values = np.hstack(blocks)
    assert values.shape == (len(rows), len(names))
    return {"file": path.name, "target": target, "names": names, "rows": rows,
            "values": [float(value) for value in values.reshape(-1)]}


def main():
    parser = argparse.ArgumentParser(description="Write the numbers that a table's encoding is held against.")
    parser.add_argument("data", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, default=HERE.parent / "crates/learn/tests/oracle")
    arguments = parser.parse_args()
    # Rows that were fitted and rows that were not; of adult one with each rare category and gap that is met.
    tables = [
        encode(arguments.data / "adult.csv.gz", "income", [0, 1, 4, 5, 6, 13, 8785, 11607, 35890, 48841]),
        encode(arguments.data / "housing.csv", "median_house_value", [0, 1, 290, 291, 341, 538, 8316, 20000, 20639]),
    ]
    stored = {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "tables": tables}
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "encoding.json").write_text(json.dumps(stored) + "\n")


if __name__ == "__main__":
    main()
