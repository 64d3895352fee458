#!/usr/bin/env python3
"""Train on a CSV table from start to end, as a user of pandas and scikit-learn would, with the pipeline that its guide teaches.

    python train_table.py FILE --target COLUMN [--no-header] [--hidden 64 64] [--seed 1] [--threads N]

Numbers: the median for empty cells, standardised. Words: one-hot, the unknown ignored. A fifth of the rows is held out to test. The network
stops early on a tenth of the others, but where a class has a single row, which cannot be on both sides. Words in the target make it a classifier; numbers a regressor, with a standardised target. Printed:
{"accuracy"} or {"rmse"}, of the rows that were held out.
"""
import argparse
import json
import warnings
from importlib import metadata

from step import use_threads


def train(args):
    import numpy as np
    import pandas as pd
    from sklearn.compose import TransformedTargetRegressor, make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    warnings.filterwarnings("ignore")
    table = pd.read_csv(args.file, header=None if args.no_header else 0)
    table.columns = table.columns.astype(str)
    y, x = table[args.target], table.drop(columns=args.target)
    is_number = pd.api.types.is_numeric_dtype(y)
    # A class of one row cannot be on both sides.
    stratify = None if is_number or y.value_counts().min() < 2 else y
    x, test_x, y, test_y = train_test_split(x, y, test_size=0.2, stratify=stratify, random_state=args.seed)
    columns = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), make_column_selector(dtype_include="number")),
        (OneHotEncoder(handle_unknown="ignore"), make_column_selector(dtype_exclude="number")))
    settings = {"hidden_layer_sizes": args.hidden, "early_stopping": is_number or stratify is not None, "random_state": args.seed}
    if is_number:
        network = TransformedTargetRegressor(MLPRegressor(**settings), transformer=StandardScaler())
        model = make_pipeline(columns, network).fit(x, y)
        return {"rmse": float(np.sqrt(np.mean((model.predict(test_x) - test_y) ** 2)))}
    return {"accuracy": float(make_pipeline(columns, MLPClassifier(**settings)).fit(x, y).score(test_x, test_y))}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?")
    parser.add_argument("--target")
    parser.add_argument("--no-header", action="store_true")
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 64])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--versions", action="store_true", help="print the libraries' versions and stop")
    args = parser.parse_args()
    if args.versions:
        print(json.dumps({name: metadata.version(name) for name in ("pandas", "scikit-learn")}))
        return
    if args.file is None or args.target is None:
        parser.error("expected a FILE and its --target")
    use_threads(args.threads)
    print(json.dumps(train(args)))


if __name__ == "__main__":
    main()
