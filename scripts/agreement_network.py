"""The network of an agreement case in plain PyTorch (see agreement.py).

ResNet-18 without its classifier, projection head, BYOL's predictor and target, SwAV's
prototypes. Modules are named as the tensors of a case are, so that `load_state_dict`
says which one is missing or too many.
"""

import torch
import torch.nn.functional as F
from torch import nn

FEATURES = 512
# A rectifier whose input is this close to zero, in units of its layer's root mean square,
# may be on in float32 and off in float64.
ROUNDING = 2e-6


class Rectifier(nn.Module):
    """max(0, x); counts inputs whose side of the kink rounding may decide."""

    def __init__(self):
        super().__init__()
        self.doubtful = 0

    def forward(self, x):
        with torch.no_grad():
            close = x.abs() <= ROUNDING * x.pow(2).mean().sqrt()
            self.doubtful += int(close.sum())
        return F.relu(x)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut around them (He et al. 2016)."""

    def __init__(self, channels_in, channels, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.relu = Rectifier()
        self.downsample = None
        if stride != 1 or channels_in != channels:
            self.downsample = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class Encoder(nn.Module):
    """ResNet-18 up to the mean over positions, with one of three stems."""

    def __init__(self, stem, channels):
        super().__init__()
        if stem == "torchvision":
            self.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        elif stem in ("small", "small-pool"):
            self.conv1 = nn.Conv2d(channels, 64, 3, 1, 1, bias=False)
        else:
            raise ValueError(f"stem: expected small, small-pool or torchvision, got {stem!r}")
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = Rectifier()
        self.pool = nn.Identity() if stem == "small" else nn.MaxPool2d(3, 2, 1)
        widths = [64, 64, 128, 256, FEATURES]
        for stage, (before, width) in enumerate(zip(widths, widths[1:]), start=1):
            blocks = nn.Sequential(
                BasicBlock(before, width, 1 if stage == 1 else 2), BasicBlock(width, width, 1)
            )
            setattr(self, f"layer{stage}", blocks)

    def forward(self, images):
        x = self.pool(self.relu(self.bn1(self.conv1(images))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return x.mean(dim=(2, 3))


class Head(nn.Module):
    """Linear layers with rectifiers between them: projection head or predictor.

    `batch_norm` puts one behind every hidden layer and `output_norm` one behind the
    last; a linear layer in front of a batch norm has no bias.
    """

    def __init__(self, width, shape):
        super().__init__()
        self.layers = shape["layers"]
        self.relu = Rectifier()
        if self.layers not in (2, 3):
            raise ValueError(f"head layers: expected 2 or 3, got {self.layers}")
        for k in range(1, self.layers + 1):
            last = k == self.layers
            out = shape["output"] if last else shape["hidden"]
            norm = shape["output_norm"] if last else shape["batch_norm"]
            setattr(self, f"linear{k}", nn.Linear(width, out, bias=not norm))
            setattr(self, f"bn{k}", nn.BatchNorm1d(out) if norm else nn.Identity())
            width = out

    def forward(self, x):
        for k in range(1, self.layers + 1):
            x = getattr(self, f"bn{k}")(getattr(self, f"linear{k}")(x))
            if k < self.layers:
                x = self.relu(x)
        return x


class Target(nn.Module):
    """BYOL's slowly moving copy: no predictor, no gradient."""

    def __init__(self, case, channels):
        super().__init__()
        model = case["model"]
        self.encoder = Encoder(model["stem"], channels)
        self.projection_head = Head(FEATURES, model["projection_head"])

    def forward(self, images):
        return self.projection_head(self.encoder(images))


class Network(nn.Module):
    """All that a case has weights of. In training mode, as every module starts."""

    def __init__(self, case, channels):
        super().__init__()
        model, method = case["model"], case["loss"]["method"]
        self.encoder = Encoder(model["stem"], channels)
        self.projection_head = Head(FEATURES, model["projection_head"])
        width = model["projection_head"]["output"]
        if method == "byol":
            self.predictor = Head(width, model["predictor"])
            self.target = Target(case, channels).requires_grad_(False)
        if method == "swav":
            self.prototypes = nn.Linear(width, model["prototypes"], bias=False)

    def load(self, tensors):
        """Takes the weights; what is missing, too many or of another shape is an error."""
        expected = self.state_dict()
        names = {n for n in expected if not n.endswith("num_batches_tracked")}
        given = {n: t for n, t in tensors.items() if not n.startswith("grad.")}
        given = {n: t for n, t in given.items() if n not in ("images", "h", "z")}
        problems = [f"{n} is missing" for n in sorted(names - given.keys())]
        problems += [f"{n} belongs to no layer" for n in sorted(given.keys() - names)]
        for name in sorted(names & given.keys()):
            want, got = tuple(expected[name].shape), tuple(given[name].shape)
            if want != got:
                problems.append(f"{name}: expected shape {list(want)}, got {list(got)}")
        if problems:
            more = f" (and {len(problems) - 5} more)" if len(problems) > 5 else ""
            raise ValueError("weights: " + "; ".join(problems[:5]) + more)
        counters = {n: torch.tensor(0) for n in expected.keys() - names}
        copies = {n: t.clone() for n, t in given.items()}
        self.load_state_dict({**counters, **copies}, assign=True)

    def doubtful(self):
        """Rectifiers, since the start, that float32 may set otherwise than float64."""
        return sum(m.doubtful for m in self.modules() if isinstance(m, Rectifier))

    def forward(self, images):
        """Representations and projections; both views are one batch."""
        h = self.encoder(images)
        return h, self.projection_head(h)


def target_projections(network, images):
    with torch.no_grad():
        return network.target(images)
