#!/usr/bin/env python3
"""Times the training step that `benches --bin train_step` times, in PyTorch.

ResNet-18 (torchvision's, less its classifier) with the chosen stem, projection
head 512-512-128 with batch norm, NT-Xent, AdamW; --rows images of 32x32 go through
the network per step. Prints one JSON line. Needs PyTorch alone:

    pip install torch
    python scripts/pytorch_step.py --stem small --rows 64 --threads 2 --steps 10
"""

import argparse
import json
import statistics
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, wide_in, wide, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(wide_in, wide, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(wide)
        self.conv2 = nn.Conv2d(wide, wide, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(wide)
        self.down = None
        if stride != 1 or wide_in != wide:
            self.down = nn.Sequential(
                nn.Conv2d(wide_in, wide, 1, stride, bias=False), nn.BatchNorm2d(wide)
            )

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        shortcut = x if self.down is None else self.down(x)
        return F.relu(y + shortcut, inplace=True)


def network(stem):
    if stem == "torchvision":
        layers = [nn.Conv2d(3, 64, 7, 2, 3, bias=False)]
    else:
        layers = [nn.Conv2d(3, 64, 3, 1, 1, bias=False)]
    layers += [nn.BatchNorm2d(64), nn.ReLU(inplace=True)]
    if stem != "small":
        layers.append(nn.MaxPool2d(3, 2, 1))
    wide_in = 64
    for wide, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
        layers += [Block(wide_in, wide, stride), Block(wide, wide, 1)]
        wide_in = wide
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    layers += [nn.Linear(512, 512, bias=False), nn.BatchNorm1d(512), nn.ReLU(inplace=True)]
    layers += [nn.Linear(512, 128, bias=False), nn.BatchNorm1d(128)]
    return nn.Sequential(*layers)


def nt_xent(z, temperature=0.5):
    n = z.shape[0] // 2
    z = F.normalize(z)
    logits = z @ z.T / temperature
    logits.fill_diagonal_(float("-inf"))
    target = torch.cat([torch.arange(n, 2 * n), torch.arange(0, n)])
    return F.cross_entropy(logits, target)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--stem", choices=["small", "small-pool", "torchvision"], default="small")
    parser.add_argument("--rows", type=int, default=64)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--channels-last", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    model = network(args.stem)
    layout = torch.channels_last if args.channels_last else torch.contiguous_format
    model = model.to(memory_format=layout)
    images = torch.randn(args.rows, 3, args.size, args.size).to(memory_format=layout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=1e-4)
    seconds, cpu = [], 0.0
    for step in range(args.steps + 2):
        if step == 2:
            cpu = time.process_time()
        start = time.perf_counter()
        loss = nt_xent(model(images))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step >= 2:
            seconds.append(time.perf_counter() - start)
    cpu = (time.process_time() - cpu) / args.steps
    median = statistics.median(seconds)
    print(
        json.dumps(
            {
                "peer": "pytorch" + (" channels-last" if args.channels_last else ""),
                "version": torch.__version__,
                "stem": args.stem,
                "rows": args.rows,
                "threads": args.threads,
                "sec": median,
                "best": min(seconds),
                "cpu_sec": cpu,
                "images_per_second": args.rows / median,
                "loss": loss.item(),
            }
        )
    )


if __name__ == "__main__":
    main()
