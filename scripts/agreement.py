#!/usr/bin/env python3
"""Holds one training step of the harness against PyTorch.

A case is a folder with `case.json` (`model` and `loss` as in a run's configuration, the
number of `rows`, and `value`, the loss that was computed) and `tensors.safetensors` (images, weights, `h`, `z`, and under `grad.` the
gradients that were computed). This script builds the network in plain PyTorch, takes
loss and gradients by autograd in float64, and compares:

    loss       |difference| <= 1e-4 max(1, |loss|)
    gradients  |difference| <= 1e-3 |gradient|, tensor by tensor, in the Euclidean norm
               (a tensor whose gradient is zero: of the whole gradient), and all together
    h, z       |difference| <= 1e-3 |h|, so that a fault in the network is told from one
               in the loss

The same in float32 stands beside it as a yardstick: what PyTorch itself loses there.
Rectifiers are the limit of this: an input within rounding of zero may be on in one and off
in the other, and then gradients differ by about one over the root of the number of
activations of that layer. Such inputs are counted; small images have few.
A number that is not finite fails. Exit status 1 if anything fails.

    pip install torch safetensors
    python scripts/agreement.py CASE_DIR...          a table
    python scripts/agreement.py CASE_DIR... --json   one JSON object
    python scripts/agreement.py --self-test          does it pass what is right, fail what is not?
"""

import argparse
import json
import pathlib
import sys

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from agreement_losses import loss_of
from agreement_network import Network

LOSS_TOLERANCE = 1e-4
GRADIENT_TOLERANCE = 1e-3
# Some gradients vanish: the loss does not see a shift that every row shares where the
# batch's mean is subtracted next (the last bias under VICReg and Barlow Twins, the one in
# front of BYOL's predictor if that has batch norm). There float32 leaves the rounding errors
# of terms as large as other gradients, which no relative tolerance admits. In float64 such
# a tensor stands out, for its rounding errors are 1e-13 of the whole gradient; what is
# below this share of it counts as zero and is compared with the whole. No other tensor is.
VANISHING = 1e-10
# What a rectifier may change: more than one over the root of the fewest activations, those
# of a narrow hidden layer.
KINK = 0.05


def step(case, tensors, dtype):
    """Loss, gradients by name, h and z of one step in PyTorch."""
    images = tensors["images"].to(dtype)
    if images.ndim != 4 or images.shape[0] != case["rows"] or images.shape[0] % 2:
        raise ValueError(f"images: expected {case['rows']} of two views, got {list(images.shape)}")
    # On `meta` no weights are drawn, which all would be replaced.
    with torch.device("meta"):
        network = Network(case, images.shape[1])
    network.load(tensors)
    network.to(dtype).train()
    h, z = network(images)
    loss = loss_of(case, network, images, h, z)
    loss.backward()
    gradients = {n: p.grad for n, p in network.named_parameters() if p.requires_grad}
    # A parameter that the loss does not use is a fault of this script, not a zero.
    unused = [n for n, g in gradients.items() if g is None]
    if unused:
        raise ValueError(f"PyTorch: no gradient reaches {unused[0]}")
    return {
        "loss": loss.item(),
        "gradients": gradients,
        "h": h.detach(),
        "z": z.detach(),
        "doubtful": network.doubtful(),
    }


def norm(tensors):
    return torch.stack([t.double().norm() for t in tensors]).norm().item()


def distance(ours, reference):
    """Relative distances of gradients: the worst tensor's with its name, and of all."""
    whole = norm(reference.values())
    if not 0 < whole < float("inf"):
        raise ValueError(f"PyTorch: the gradient's norm is {whole}")
    worst, where = -1.0, ""
    differences = []
    for name, gradient in reference.items():
        difference = ours[name].double() - gradient.double()
        differences.append(difference)
        size = gradient.double().norm().item()
        size = whole if size <= VANISHING * whole else size
        error = difference.norm().item() / size
        # Written so that NaN is the worst.
        if not error <= worst:
            worst, where = error, name
            if error != error:
                break
    return {"worst": worst, "tensor": where, "all": norm(differences) / whole}


def relative(ours, reference):
    if ours.shape != reference.shape:
        raise ValueError(f"expected shape {list(reference.shape)}, got {list(ours.shape)}")
    return ((ours.double() - reference).norm() / reference.norm()).item()


def read(folder):
    folder = pathlib.Path(folder)
    return (
        json.loads((folder / "case.json").read_text()),
        load_file(folder / "tensors.safetensors"),
    )


def references(case, tensors):
    """The step in float64, by which a case is judged, and in float32."""
    return step(case, tensors, torch.float64), step(case, tensors, torch.float32)


def compare(case, tensors, reference, single):
    """What came out, and what is wrong with it, in words."""
    result = {"method": case["loss"]["method"], "stem": case["model"]["stem"]}
    ours = {n.removeprefix("grad."): t for n, t in tensors.items() if n.startswith("grad.")}
    failures = []
    for name, gradient in reference["gradients"].items():
        if name not in ours:
            failures.append(f"grad.{name} is missing")
        elif ours[name].shape != gradient.shape:
            failures.append(
                f"grad.{name}: expected shape {list(gradient.shape)}, got {list(ours[name].shape)}"
            )
    extra = sorted(ours.keys() - reference["gradients"].keys())
    failures += [f"grad.{name} belongs to no parameter" for name in extra]
    if failures:
        return {**result, "failures": failures}

    # JSON writers that have no NaN write null.
    loss = float("nan") if case["value"] is None else case["value"]
    tolerance = LOSS_TOLERANCE * max(1.0, abs(reference["loss"]))
    result["loss"] = {
        "ours": loss,
        "pytorch_f64": reference["loss"],
        "pytorch_f32": single["loss"],
        "difference": abs(loss - reference["loss"]),
    }
    if not result["loss"]["difference"] <= tolerance:
        failures.append(f"loss: expected {reference['loss']:.7g}, got {loss:.7g}")
    gradients = distance(ours, reference["gradients"])
    result["gradients"] = gradients
    result["pytorch_f32_gradients"] = distance(single["gradients"], reference["gradients"])
    if not gradients["worst"] <= GRADIENT_TOLERANCE:
        failures.append(f"grad.{gradients['tensor']}: relative error {gradients['worst']:.2e}")
    if not gradients["all"] <= GRADIENT_TOLERANCE:
        failures.append(f"all gradients together: relative error {gradients['all']:.2e}")
    for name in ("h", "z"):
        error = relative(tensors[name], reference[name])
        result[name] = error
        if not error <= GRADIENT_TOLERANCE:
            failures.append(f"{name}: relative error {error:.2e}")
    result["parameters"] = len(reference["gradients"])
    result["doubtful_rectifiers"] = reference["doubtful"]
    # A rectifier that is set otherwise changes gradients by some per cent and nothing else.
    result["undecided"] = (
        bool(failures)
        and reference["doubtful"] > 0
        and all("grad" in failure for failure in failures)
        and gradients["all"] <= KINK
    )
    if result["undecided"]:
        failures.append(
            f"undecided: {reference['doubtful']} rectifiers are so close to zero that float32 "
            "may set them otherwise; try another seed"
        )
    return {**result, "failures": failures}


def checked(folder):
    """The comparison of a folder; a case that cannot be compared has failed."""
    name = {"case": pathlib.Path(folder).name}
    try:
        case, tensors = read(folder)
        return name | compare(case, tensors, *references(case, tensors))
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        return name | {"failures": [f"{type(error).__name__}: {error}"]}


def table(results):
    """The results in Markdown, line by line as they come."""
    yield (
        "| case | loss, harness | loss, PyTorch f64 | difference | gradients together "
        "| worst tensor | its error | worst in PyTorch f32 | |"
    )
    yield "|---|---|---|---|---|---|---|---|---|"
    for r in results:
        verdict = "**FAILED**" if r["failures"] else "agrees"
        if "gradients" not in r:
            yield f"| {r['case']} | | | | | | | | {verdict} |"
            continue
        loss, g, f32 = r["loss"], r["gradients"], r["pytorch_f32_gradients"]
        yield (
            f"| {r['case']} | {loss['ours']:.6f} | {loss['pytorch_f64']:.6f} "
            f"| {loss['difference']:.1e} | {g['all']:.1e} | {g['tensor']} | {g['worst']:.1e} "
            f"| {f32['worst']:.1e} | {verdict} |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("cases", nargs="*", metavar="CASE_DIR", help="folders of cases")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.add_argument("--self-test", action="store_true", help="test this script")
    args = parser.parse_args()
    if args.self_test:
        import agreement_self_test

        return agreement_self_test.run()
    if not args.cases:
        parser.error("expected at least one CASE_DIR or --self-test")
    results = []

    def judged():
        for folder in args.cases:
            results.append(checked(folder))
            for failure in results[-1]["failures"]:
                print(f"{results[-1]['case']}: {failure}", file=sys.stderr)
            yield results[-1]

    if args.json:
        for _ in judged():
            pass
    else:
        for line in table(judged()):
            print(line, flush=True)
    passed = not any(r["failures"] for r in results)
    if args.json:
        # Infinities and NaN would not be JSON.
        plain = {"passed": passed, "torch": torch.__version__, "cases": results}
        print(json.dumps(json.loads(json.dumps(plain), parse_constant=lambda name: name)))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
