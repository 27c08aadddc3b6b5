"""The losses of an agreement case, left to autograd (see agreement.py).

Written from the formulas of the papers, not from the Rust kernels. The first half of the
rows is view A and the second view B. What a formula treats as a constant is detached:
BYOL's targets, SwAV's assignments, the transport plan, the largest cost.
"""

import math

import torch
import torch.nn.functional as F

from agreement_network import target_projections

# Sinkhorn stops where no potential moves by more than this many epsilons, and gives up
# after so many iterations: a case that needs more says nothing about gradients.
SETTLED = 1e-12
ITERATIONS = 200_000


def nt_xent(z, temperature):
    """Chen et al. 2020, Eq. 1: mean over 2N rows, a row is not compared with itself."""
    rows = z.shape[0]
    u = F.normalize(z, dim=1)
    own = torch.eye(rows, dtype=torch.bool)
    logits = (u @ u.T / temperature).masked_fill(own, -math.inf)
    partner = (torch.arange(rows) + rows // 2) % rows
    return F.cross_entropy(logits, partner)


def cost_matrix(kind, x, y):
    if kind == "squared-euclidean":
        return (x[:, None] - y[None]).pow(2).sum(-1)
    if kind == "cosine":
        return 1 - F.normalize(x, dim=1) @ F.normalize(y, dim=1).T
    raise ValueError(f"cost: expected squared-euclidean or cosine, got {kind!r}")


def sinkhorn(cost, epsilon, rho=None):
    """Potentials and plan of uniform measures, in float64, to convergence.

    With `rho` the marginals are not held but cost rho KL each (Chizat et al. 2018): every
    half step is shortened by rho/(rho + epsilon).
    """
    cost = cost.detach().double()
    n, m = cost.shape
    shorten = 1.0 if rho is None else rho / (rho + epsilon)
    f, g = cost.new_zeros(n), cost.new_zeros(m)
    for _ in range(ITERATIONS):
        old = f, g
        f = -shorten * epsilon * torch.logsumexp((g[None] - cost) / epsilon - math.log(m), 1)
        g = -shorten * epsilon * torch.logsumexp((f[:, None] - cost) / epsilon - math.log(n), 0)
        moved = max((f - old[0]).abs().max().item(), (g - old[1]).abs().max().item())
        if not moved > SETTLED * epsilon:
            break
    if not moved <= SETTLED * epsilon:
        raise ValueError(
            f"Sinkhorn: expected potentials to settle within {ITERATIONS} iterations, got a "
            f"change of {moved / epsilon:.1e} epsilon in the last; use a larger epsilon"
        )
    exponent = (f[:, None] + g[None] - cost) / epsilon
    return f, g, exponent.exp() / (n * m), exponent


def transport(cost, epsilon, rho=None):
    """`<P,C> + eps KL(P|ab)`, and with rho the marginals' prices; the plan is a constant.

    The value is the primal one, from its definition. Envelope theorem: its gradient is
    that of <P,C> with P held, so that is what autograd sees.
    """
    _, _, plan, exponent = sinkhorn(cost, epsilon, rho)
    n, m = plan.shape

    def kl(p, log_ratio, q):
        return (p * log_ratio - p + q).sum()

    value = (plan * cost.detach()).sum() + epsilon * kl(plan, exponent, 1 / (n * m))
    if rho is not None:
        for p, q in [(plan.sum(1), 1 / n), (plan.sum(0), 1 / m)]:
            value = value + rho * kl(p, (p / q).log(), q)
    moving = (plan.to(cost.dtype) * cost).sum()
    return value.to(cost.dtype) + moving - moving.detach()


def transport_term(h, z, constants):
    """The regulariser of SinSim between the views' rows."""
    on, form = constants["on"], constants["form"]
    a, b = {"h": h, "z": z}[on].chunk(2)
    across = cost_matrix(constants["cost"], a, b)
    largest = across.detach().max().item() or 1.0
    divisor = {"none": 1.0, "maximum": largest}[constants["cost_scale"]]
    unit = {"absolute": 1.0, "maximum": largest / divisor}[constants["epsilon_unit"]]
    # JSON has no infinity: no price is the balanced problem.
    epsilon, rho = unit * constants["epsilon"], constants["rho"]
    value = transport(across / divisor, epsilon, rho)
    if form == "divergence":
        for own in (a, b):
            within = cost_matrix(constants["cost"], own, own) / divisor
            value = value - transport(within, epsilon, rho) / 2
    elif form != "plain":
        raise ValueError(f"form: expected plain or divergence, got {form!r}")
    return value


def byol(prediction, target):
    """Grill et al. 2020, Eq. 2, in both directions: each view's prediction against the
    other view's target, the mean over N images of each direction, and their sum."""
    q_a, q_b = F.normalize(prediction, dim=1).chunk(2)
    t_a, t_b = F.normalize(target, dim=1).chunk(2)
    return (2 - 2 * (q_a * t_b).sum(1)).mean() + (2 - 2 * (q_b * t_a).sum(1)).mean()


def vicreg(z, weights):
    """Bardes et al. 2021 as their code has it: half of the variance part."""
    invariance = F.mse_loss(*z.chunk(2))
    variance = covariance = 0
    for view in z.chunk(2):
        deviation = (view.var(0, unbiased=True) + 1e-4).sqrt()
        variance = variance + F.relu(1 - deviation).mean() / 2
        c = torch.cov(view.T)
        covariance = covariance + (c - c.diag().diag()).pow(2).sum() / view.shape[1]
    return (
        weights["invariance"] * invariance
        + weights["variance"] * variance
        + weights["covariance"] * covariance
    )


def barlow_twins(z, constants):
    """Zbontar et al. 2021: each view is batch-normalised by itself."""
    a, b = (F.batch_norm(view, None, None, training=True, eps=1e-5) for view in z.chunk(2))
    c = a.T @ b / a.shape[0]
    diagonal = (1 - c.diag()).pow(2).sum()
    rest = (c - c.diag().diag()).pow(2).sum()
    return constants["scale"] * (diagonal + constants["lambda"] * rest)


def swav(z, prototypes, constants):
    """Caron et al. 2020 with two views: each view's scores predict the other's assignments.

    The assignments of a view are the transport plan of minus its scores, to convergence,
    its rows scaled to sum to one.
    """
    scores = F.normalize(z, dim=1) @ F.normalize(prototypes, dim=1).T
    s_a, s_b = scores.chunk(2)

    def assignments(s):
        plan = sinkhorn(-s, constants["epsilon"])[2]
        return (plan / plan.sum(1, keepdim=True)).to(s.dtype)

    def predicts(s, q):
        return -(q * F.log_softmax(s / constants["temperature"], dim=1)).sum(1).mean()

    return (predicts(s_a, assignments(s_b)) + predicts(s_b, assignments(s_a))) / 2


def loss_of(case, network, images, h, z):
    """The loss of the case's method."""
    constants = case["loss"]
    method = constants["method"]
    if method == "simclr":
        return nt_xent(z, constants["temperature"])
    if method == "sinsim":
        term = transport_term(h, z, constants["transport"])
        return nt_xent(z, constants["temperature"]) + constants["lambda"] * term
    if method == "byol":
        return byol(network.predictor(z), target_projections(network, images))
    if method == "vicreg":
        return vicreg(z, constants)
    if method == "barlow-twins":
        return barlow_twins(z, constants)
    if method == "swav":
        return swav(z, network.prototypes.weight, constants)
    raise ValueError(f"method: expected one of the six, got {method!r}")
