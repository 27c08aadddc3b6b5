"""Tests agreement.py: cases that PyTorch made in float32 pass, broken ones fail, and the
transport gradient is what differentiating through every iteration gives."""

import copy
import json
import math
import pathlib
import tempfile

import torch
from safetensors.torch import save_file

import agreement
from agreement_losses import cost_matrix, sinkhorn, transport
from agreement_network import Network

TWO_LAYERS = {"layers": 2, "hidden": 32, "output": 16, "batch_norm": True, "output_norm": True}
THREE_LAYERS = {"layers": 3, "hidden": 32, "output": 16, "batch_norm": True, "output_norm": False}
PLAIN = {"layers": 2, "hidden": 32, "output": 16, "batch_norm": False, "output_norm": False}

TRANSPORT = {
    "on": "h",
    "cost": "squared-euclidean",
    "cost_scale": "maximum",
    "form": "plain",
    "rho": None,
    "epsilon": 0.2,
    "epsilon_unit": "absolute",
}


def sinsim(**transport):
    constants = {"method": "sinsim", "temperature": 0.5, "lambda": 0.8}
    return {**constants, "transport": {**TRANSPORT, **transport}}


# Name, constants of the loss, what the network has beside the default.
CASES = [
    ("simclr", {"method": "simclr", "temperature": 0.5}, {}),
    ("sinsim-h", sinsim(), {}),
    (
        "sinsim-z",
        sinsim(on="z", cost="cosine", cost_scale="none", form="divergence"),
        {"stem": "small-pool", "projection_head": PLAIN},
    ),
    (
        "sinsim-unbalanced",
        sinsim(cost_scale="none", epsilon_unit="maximum", rho=5.0, form="divergence"),
        {"stem": "small"},
    ),
    ("byol", {"method": "byol"}, {"predictor": {**TWO_LAYERS, "output_norm": False}}),
    (
        "vicreg",
        {"method": "vicreg", "invariance": 25.0, "variance": 25.0, "covariance": 1.0},
        {"projection_head": THREE_LAYERS},
    ),
    (
        "barlow-twins",
        {"method": "barlow-twins", "lambda": 0.0051, "scale": 0.1},
        {"projection_head": THREE_LAYERS},
    ),
    ("swav", {"method": "swav", "temperature": 0.1, "epsilon": 0.05}, {"prototypes": 10}),
]


def made(loss, model, seed):
    """A case as the harness would make it, by PyTorch in float32."""
    torch.manual_seed(seed)
    model = {"stem": "torchvision", "projection_head": TWO_LAYERS, **model}
    case = {"rows": 16, "model": model, "loss": loss}
    size = 8 if model["stem"] == "small" else 16
    # View B resembles view A, as it does in training.
    view = torch.randn(8, 3, size, size)
    tensors = {"images": torch.cat([view, view + 0.5 * torch.randn_like(view)])}
    for name, value in Network(case, 3).state_dict().items():
        if not name.endswith("num_batches_tracked"):
            # Batch norms start at one and zero: moved, or a swapped name would not show.
            moved = 0.1 * torch.randn_like(value) if value.ndim == 1 else 0
            tensors[name] = value + moved
    out = agreement.step(case, tensors, torch.float32)
    tensors |= {f"grad.{name}": g for name, g in out["gradients"].items()}
    tensors |= {"h": out["h"], "z": out["z"]}
    return {**case, "value": out["loss"]}, tensors


def store(folder, case, tensors):
    folder.mkdir()
    (folder / "case.json").write_text(json.dumps(case))
    save_file(tensors, folder / "tensors.safetensors")


def faults():
    """Name, what is done to a SimCLR case, and what must be said of it."""

    def scale(name, factor):
        return lambda _, tensors: tensors.update({name: tensors[name] * factor})

    def swap(case, tensors):
        a, b = "encoder.layer1.0.conv1.weight", "encoder.layer1.0.conv2.weight"
        tensors[a], tensors[b] = tensors[b], tensors[a]

    gradient = "grad.encoder.layer3.0.downsample.1.bias"
    return [
        ("loss", lambda case, _: case.update(value=case["value"] + 5e-4), "loss: expected"),
        ("loss is NaN", lambda case, _: case.update(value=math.nan), "loss: expected"),
        ("loss is null", lambda case, _: case.update(value=None), "loss: expected"),
        ("temperature", lambda case, _: case["loss"].update(temperature=0.51), "loss: expected"),
        ("rows", lambda case, _: case.update(rows=14), "images: expected"),
        ("a gradient 0.3 % too long", scale(gradient, 1.003), gradient),
        ("a gradient of the other sign", scale("grad.encoder.conv1.weight", -1), "conv1"),
        ("a gradient of zeros", scale(gradient, 0), gradient),
        ("NaN", scale(gradient, math.nan), gradient),
        ("a gradient is missing", lambda _, t: t.pop(gradient), f"{gradient} is missing"),
        ("a gradient too many", lambda _, t: t.update({"grad.x": t["h"]}), "grad.x belongs"),
        ("a weight is missing", lambda _, t: t.pop("encoder.bn1.bias"), "bn1.bias is missing"),
        ("a weight too many", lambda _, t: t.update({"x": t["h"]}), "x belongs to no layer"),
        (
            "a transposed gradient",
            lambda _, t: t.update(
                {"grad.projection_head.linear2.weight": t["grad.projection_head.linear2.weight"].T}
            ),
            "expected shape",
        ),
        ("h is missing", lambda _, t: t.pop("h"), "h"),
        ("swapped weights", swap, "h: relative error"),
        ("another batch", scale("images", torch.linspace(0.5, 1.5, 16)), "h: relative error"),
    ]


def plan_is_constant_enough():
    """Autograd through every iteration's dual value gives the envelope gradient."""
    torch.manual_seed(4)
    for rho in (None, 0.7):
        x = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
        y = torch.randn(5, 3, dtype=torch.float64)
        epsilon = 0.8
        cost = cost_matrix("squared-euclidean", x, y)
        value = transport(cost, epsilon, rho)
        (envelope,) = torch.autograd.grad(value, x)
        cost = cost_matrix("squared-euclidean", x, y)
        shorten = 1.0 if rho is None else rho / (rho + epsilon)
        g = torch.zeros(5, dtype=torch.float64)
        for _ in range(500):
            f = -shorten * epsilon * torch.logsumexp((g - cost) / epsilon - math.log(5), 1)
            g = -shorten * epsilon * torch.logsumexp((f[:, None] - cost) / epsilon - math.log(7), 0)
        if rho is None:
            dual = f.mean() + g.mean()
        else:
            mass = ((f[:, None] + g - cost) / epsilon).exp().mean()
            dual = rho * (2 - (-f / rho).exp().mean() - (-g / rho).exp().mean())
            dual = dual + epsilon * (1 - mass)
        (unrolled,) = torch.autograd.grad(dual, x)
        assert abs(value.item() - dual.item()) <= 1e-10, (rho, value.item(), dual.item())
        error = ((envelope - unrolled).norm() / unrolled.norm()).item()
        assert error <= 1e-9, (rho, error)


def plan_is_pots():
    """The plan of Python Optimal Transport, where it is installed."""
    try:
        import ot
    except ImportError:
        print("POT is not installed: its plan was not compared")
        return
    torch.manual_seed(5)
    cost = cost_matrix("cosine", torch.randn(6, 4).double(), torch.randn(9, 4).double())
    a, b, c = [1 / 6] * 6, [1 / 9] * 9, cost.numpy()
    for rho in (None, 0.5):
        if rho is None:
            plan = ot.sinkhorn(a, b, c, 0.1, method="sinkhorn_log", stopThr=1e-14, numItermax=10**5)
        else:
            plan = ot.unbalanced.sinkhorn_unbalanced(
                a, b, c, 0.1, rho, stopThr=1e-14, numItermax=10**5, reg_type="kl"
            )
        error = (sinkhorn(cost, 0.1, rho)[2] - torch.as_tensor(plan)).abs().sum().item()
        assert error <= 1e-9, (rho, error)


def broken(case, tensors, known, break_it):
    """What is said of a case after `break_it`; `known` are the unbroken step's results."""
    bad_case, bad_tensors = copy.deepcopy(case), dict(tensors)
    break_it(bad_case, bad_tensors)

    def inputs(tensors):
        return {n: id(t) for n, t in tensors.items() if not n.startswith("grad.")}

    same = {**bad_case, "value": 0} == {**case, "value": 0} and inputs(bad_tensors) == inputs(tensors)
    try:
        steps = known if same else agreement.references(bad_case, bad_tensors)
        return agreement.compare(bad_case, bad_tensors, *steps)["failures"]
    except (ValueError, KeyError) as error:
        return [str(error)]


def run():
    plan_is_constant_enough()
    plan_is_pots()
    failed = 0
    results = []
    for seed, (name, loss, model) in enumerate(CASES):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder) / name
            store(folder, *made(loss, model, seed))
            results.append(agreement.checked(folder))
    print("\n".join(agreement.table(results)))
    for result in results:
        failed += bool(result["failures"])
        for failure in result["failures"]:
            print(f"FAILED: {result['case']}: {failure}")
    case, tensors = made(*CASES[0][1:], 0)
    known = agreement.references(case, tensors)
    for name, break_it, expected in faults():
        said = broken(case, tensors, known, break_it)
        found = any(expected in failure for failure in said)
        failed += not found
        print(f"{'found' if found else 'FAILED: not found'}: {name}: {'; '.join(said)[:100]}")
    said = agreement.checked("/nowhere")["failures"]
    failed += not said
    print("self-test:", "passed" if failed == 0 else f"{failed} failed")
    return 1 if failed else 0
