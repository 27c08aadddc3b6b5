#!/usr/bin/env python3
"""Do other tools compute what the harness computes?

    harness embed  --run RUN --out FOLDER --images
    harness export --run RUN --format safetensors --out FOLDER/resnet18.safetensors
    harness export --run RUN --format onnx        --out FOLDER/resnet18.onnx
    scripts/check_export.py FOLDER [--images N]

Loads the weights strictly into a ResNet-18 in PyTorch, and the graph into ONNX Runtime,
feeds both the images of images.npy, and compares with features.npy. Each half is left out,
and said to be, where its package is missing. The last line on stdout is JSON.

The network is written here from He et al. 2016 with the names that torchvision gives its
parts; where torchvision is installed and the stem is its own, its class is used as well.
"""

import argparse
import importlib.util
import json
import pathlib
import sys

import numpy as np

# Features are means of rectified numbers of order one. Both sides compute in f32 and sum in
# another order: twenty layers of some thousand terms each may leave some 1e-6 of that.
TOLERANCE = 1e-4
BATCH = 100
CLASSIFIER = {"fc.weight", "fc.bias"}


def have(package):
    return importlib.util.find_spec(package) is not None


def normalised(images, metadata):
    mean, std = (np.array(json.loads(metadata[key]), np.float32) for key in ("mean", "std"))
    shape = (1, -1, 1, 1)
    return (images.astype(np.float32) / 255 - mean.reshape(shape)) / std.reshape(shape)


def read_safetensors(path):
    """Tensors and metadata of the file: a length, a header of JSON, the numbers."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    metadata = header.pop("__metadata__")
    kinds = {"F32": np.float32, "I64": np.int64}
    tensors = {}
    for name, entry in header.items():
        first, last = (8 + length + offset for offset in entry["data_offsets"])
        numbers = np.frombuffer(raw[first:last], kinds[entry["dtype"]])
        tensors[name] = numbers.reshape(entry["shape"]).copy()
    return tensors, metadata


def resnet18(stem, channels):
    """ResNet-18 without its classifier; parts are named as torchvision names them."""
    from torch import nn

    class Block(nn.Module):
        def __init__(self, before, width, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(before, width, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(width)
            self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(width)
            self.downsample = None
            if stride != 1 or before != width:
                projection = nn.Conv2d(before, width, 1, stride, bias=False)
                self.downsample = nn.Sequential(projection, nn.BatchNorm2d(width))

        def forward(self, x):
            shortcut = x if self.downsample is None else self.downsample(x)
            y = self.bn1(self.conv1(x)).relu()
            return (self.bn2(self.conv2(y)) + shortcut).relu()

    class ResNet(nn.Module):
        def __init__(self):
            super().__init__()
            kernel, stride = (7, 2) if stem == "torchvision" else (3, 1)
            self.conv1 = nn.Conv2d(channels, 64, kernel, stride, kernel // 2, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.maxpool = nn.Identity() if stem == "small" else nn.MaxPool2d(3, 2, 1)
            before = 64
            for number, width in enumerate((64, 128, 256, 512), 1):
                stride = 1 if number == 1 else 2
                stage = nn.Sequential(Block(before, width, stride), Block(width, width, 1))
                setattr(self, f"layer{number}", stage)
                before = width

        def forward(self, x):
            x = self.maxpool(self.bn1(self.conv1(x)).relu())
            for number in range(1, 5):
                x = getattr(self, f"layer{number}")(x)
            return x.mean((2, 3))

    return ResNet()


def by_pytorch(network, weights, inputs):
    import torch

    network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    network.eval()
    with torch.no_grad():
        parts = [network(torch.from_numpy(part)) for part in batches(inputs)]
    return torch.cat(parts).numpy()


def by_torchvision(weights, channels, inputs):
    import torch
    import torchvision

    network = torchvision.models.resnet18()
    if channels != 3:
        network.conv1 = torch.nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
    arrays = {name: torch.from_numpy(array) for name, array in weights.items()}
    report = network.load_state_dict(arrays, strict=False)
    assert set(report.missing_keys) == CLASSIFIER, report
    assert not report.unexpected_keys, report
    network.fc = torch.nn.Identity()
    return by_pytorch(network, weights, inputs)


def by_onnx(path, inputs):
    import onnx
    import onnxruntime

    onnx.checker.check_model(str(path), full_check=True)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    parts = [session.run(["features"], {"images": part})[0] for part in batches(inputs)]
    return np.concatenate(parts)


def batches(inputs):
    # The last one is smaller: the graph's batch is free.
    return [inputs[start : start + BATCH] for start in range(0, len(inputs), BATCH)]


def onnx_metadata(path):
    import onnx

    return {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--images", type=int, default=230, help="the first so many")
    options = parser.parse_args()
    images = np.load(options.folder / "images.npy")[: options.images]
    expected = np.load(options.folder / "features.npy")[: options.images]
    labels = np.load(options.folder / "labels.npy")
    classes = json.loads((options.folder / "classes.json").read_text())["classes"]
    assert labels.dtype == np.int64 and labels.max() < len(classes), labels
    assert expected.dtype == np.float32 and np.isfinite(expected).all()
    assert expected.std(axis=0).max() > 0, "all images look the same: nothing is compared"
    channels = images.shape[1]

    results, left_out = {}, []
    file = options.folder / "resnet18.safetensors"
    if have("torch") and file.exists():
        weights, metadata = read_safetensors(file)
        inputs = normalised(images, metadata)
        network = resnet18(metadata["stem"], channels)
        results["pytorch"] = by_pytorch(network, weights, inputs)
        if metadata["stem"] == "torchvision" and have("torchvision"):
            results["torchvision"] = by_torchvision(weights, channels, inputs)
        else:
            left_out.append("torchvision")
    else:
        left_out.append("pytorch")
    file = options.folder / "resnet18.onnx"
    if have("onnx") and have("onnxruntime") and file.exists():
        results["onnx"] = by_onnx(file, normalised(images, onnx_metadata(file)))
    else:
        left_out.append("onnx")

    line = {"images": len(images), "largest_feature": float(expected.max()), "left_out": left_out}
    wrong = False
    for name, features in results.items():
        difference = float(np.abs(features - expected).max())
        line[name] = difference
        # Written so that NaN is wrong.
        agrees = features.shape == expected.shape and difference <= TOLERANCE
        wrong = wrong or not agrees
        print(f"{name:<12} largest difference {difference:.2e} {'ok' if agrees else 'WRONG'}", file=sys.stderr)
    print(json.dumps(line))
    if wrong or not results:
        sys.exit(f"no agreement within {TOLERANCE}" if wrong else "nothing to compare with is installed")


if __name__ == "__main__":
    main()
