"""CIFAR-10 with Keras as its introductions have it: all pictures in memory, ten epochs.

python plain/cnn_cifar10.py TRAIN.parquet TEST.parquet [EPOCHS]
"""

import os

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import io
import json
import sys
import time

import keras
import numpy as np
import pyarrow.parquet as parquet
from PIL import Image

layers = keras.layers
EPOCHS = int(sys.argv[3]) if len(sys.argv) > 3 else 10


def load(path):
    table = parquet.read_table(path)
    names = sorted(set(table["label"].to_pylist()))
    pictures = [np.asarray(Image.open(io.BytesIO(each.as_py()))) for each in table["image"]]
    return np.stack(pictures) / 255.0, np.array([names.index(name) for name in table["label"].to_pylist()])


(x_train, y_train), (x_test, y_test) = load(sys.argv[1]), load(sys.argv[2])
model = keras.Sequential(
    [
        layers.Input(shape=(32, 32, 3)),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ]
)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
ends = [time.perf_counter()]
note = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))
model.fit(x_train, y_train, epochs=EPOCHS, verbose=0, callbacks=[note])
print(
    json.dumps(
        {
            "accuracy": round(model.evaluate(x_test, y_test, verbose=0)[1], 4),
            "fit_seconds": round(ends[-1] - ends[0], 1),
            "pictures_a_second": round(len(x_train) / (ends[-1] - ends[-2])),
        }
    )
)
