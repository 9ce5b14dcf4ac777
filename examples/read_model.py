#!/usr/bin/env python3
"""A model file read with numpy alone. Usage: read_model.py MODEL NUMBER...  (an mlp or linear model)"""
import json
import struct
import sys

import numpy as np

data = open(sys.argv[1], "rb").read()
length = struct.unpack("<Q", data[:8])[0]
header = json.loads(data[8:8 + length])
meta = header.pop("__metadata__")
tensors = {}
for name, entry in header.items():
    first, end = (8 + length + place for place in entry["data_offsets"])
    tensors[name] = np.frombuffer(data[first:end], "<f4").reshape(entry["shape"])

scales = tensors["data.scales"]  # mean and scale of each column, then of the target
x = (np.array(sys.argv[2:], np.float32) - scales[:-1, 0]) / scales[:-1, 1]
layer = 1
while f"layer{layer}.weight" in tensors:
    x = np.maximum(x @ tensors[f"layer{layer}.weight"] + tensors[f"layer{layer}.bias"], 0)
    layer += 1
y = x @ tensors["head.weight"] + tensors["head.bias"]
print(*(y * scales[-1, 1] + scales[-1, 0]))
