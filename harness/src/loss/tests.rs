//! The objective against burn's own autodiff of the textbook formulas, written
//! here in tensors and used nowhere else.

use burn::tensor::{Device, Distribution, Tensor, TensorData, activation::log_softmax};

use super::{LossConfig, Method, Objective, OtCost, OtOn, OtScale};
use crate::{backend::BackendKind, model::Embeddings};

const TEMPERATURE: f32 = 0.5;

/// About a tenth of the typical cost, so that the unrolled loop converges.
fn epsilon(cost: OtCost) -> f32 {
    match cost {
        OtCost::SquaredEuclidean => 1.5,
        OtCost::Cosine => 0.1,
    }
}

fn config(cost: OtCost, ot_on: OtOn) -> LossConfig {
    LossConfig {
        temperature: TEMPERATURE,
        lambda: 0.7,
        epsilon: epsilon(cost),
        // The envelope theorem holds at convergence: iterate until f32 can do no more.
        threshold: 1e-6,
        max_iterations: 500,
        cost,
        cost_scale: OtScale::None,
        ot_on,
    }
}

fn unit_rows(x: Tensor<2>) -> Tensor<2> {
    let norms = (x.clone() * x.clone()).sum_dim(1).sqrt();
    x / norms
}

/// Mean cross entropy of finding the other view, self-similarity masked out.
fn nt_xent(z: Tensor<2>) -> Tensor<1> {
    let rows = z.dims()[0];
    let u = unit_rows(z);
    let similarity = u.clone().matmul(u.transpose()) / TEMPERATURE;
    let mask = Tensor::<2>::eye(rows, &similarity.device()) * 1e9;
    let logs = log_softmax(similarity - mask, 1);
    let mut pairs = vec![0.0_f32; rows * rows];
    for row in 0..rows {
        pairs[row * rows + (row + rows / 2) % rows] = 1.0;
    }
    let pairs = Tensor::<2>::from_data(TensorData::new(pairs, [rows, rows]), &logs.device());
    -(logs * pairs).sum() / rows as f32
}

/// Log-domain Sinkhorn, unrolled on the tape: `⟨a,f⟩ + ⟨b,g⟩` with uniform weights.
fn transport(x: Tensor<2>, y: Tensor<2>, cost: OtCost) -> Tensor<1> {
    let (n, m) = (x.dims()[0], y.dims()[0]);
    let epsilon = epsilon(cost);
    let cost: Tensor<2> = match cost {
        OtCost::SquaredEuclidean => {
            let difference = x.unsqueeze_dim::<3>(1) - y.unsqueeze_dim::<3>(0);
            (difference.clone() * difference).sum_dim(2).reshape([n, m])
        }
        OtCost::Cosine => 1.0 - unit_rows(x).matmul(unit_rows(y).transpose()),
    };
    let soft_min = |shifted: Tensor<2>, dim: usize, count: usize| {
        let scaled = shifted / epsilon;
        let top = scaled.clone().max_dim(dim).detach();
        let sum = (scaled - top.clone()).exp().sum_dim(dim) / count as f32;
        (sum.log() + top) * (-epsilon)
    };
    let mut f = Tensor::<2>::zeros([n, 1], &cost.device());
    let mut g = Tensor::<2>::zeros([1, m], &cost.device());
    for _ in 0..150 {
        f = soft_min(g - cost.clone(), 1, m);
        g = soft_min(f.clone() - cost.clone(), 0, n);
    }
    f.mean() + g.mean()
}

/// [`compare_on`] the host, and on a GPU where this build and this machine have one.
fn compare(method: Method, cost: OtCost, ot_on: OtOn) {
    for backend in [BackendKind::Flex, BackendKind::Cuda] {
        match backend.device() {
            Ok(device) => compare_on(backend, &device.autodiff(), method, cost, ot_on),
            Err(reason) => eprintln!("skipped: {reason}"),
        }
    }
}

/// Loss and gradients with respect to `h` and `z`, by the objective and by the textbook.
fn compare_on(backend: BackendKind, device: &Device, method: Method, cost: OtCost, ot_on: OtOn) {
    device.seed(11);
    let noise = |width| {
        let x = Tensor::<2>::random([12, width], Distribution::Normal(0.2, 1.0), device);
        x.require_grad()
    };
    let (h, z) = (noise(6), noise(5));
    let on = match ot_on {
        OtOn::H => h.clone(),
        OtOn::Z => z.clone(),
    };
    let mut textbook = nt_xent(z.clone());
    if method == Method::SinSim {
        let views = (on.clone().slice([0..6]), on.slice([6..12]));
        textbook = textbook + transport(views.0, views.1, cost) * 0.7;
    }
    let mut objective = Objective::new(method, config(cost, ot_on), backend);
    let embeddings = Embeddings {
        h: h.clone(),
        z: z.clone(),
    };
    let (loss, terms) = objective.apply(embeddings).unwrap();
    assert_eq!(terms.ot.is_some(), method == Method::SinSim);
    let value = |t: &Tensor<1>| t.clone().into_scalar::<f32>();
    // Both sides are f32 with sums of at most 12 terms of order 1, and 300 soft minima
    // whose errors do not add up (Sinkhorn corrects itself): 1e-5 is some twenty ulp.
    let close = |a: f32, b: f32| (a - b).abs() <= 1e-5 * (1.0 + a.abs());
    assert!(close(value(&loss), value(&textbook)), "{loss} {textbook}");
    assert!(close(value(&loss), terms.loss));
    let (ours, theirs) = ((loss * 3.0).backward(), (textbook * 3.0).backward());
    for x in [&h, &z] {
        let gradient = |g| {
            x.grad(g)
                .map(|g| g.into_data().try_to_vec::<f32>().unwrap())
        };
        let expected = gradient(&theirs);
        let got = gradient(&ours);
        assert_eq!(got.is_some(), expected.is_some());
        for (a, b) in got.iter().flatten().zip(expected.iter().flatten()) {
            // Gradients are of order 0.1 to 1; the unrolled one carries 300 roundings.
            assert!(
                (a - b).abs() <= 5e-5,
                "{backend:?}, {cost:?} on {ot_on:?}: {a} is not {b}"
            );
        }
    }
}

#[test]
fn simclr_is_the_textbook_s() {
    compare(Method::SimClr, OtCost::Cosine, OtOn::Z);
}

#[test]
fn sinsim_is_the_textbook_s_wherever_it_acts() {
    for cost in [OtCost::SquaredEuclidean, OtCost::Cosine] {
        for ot_on in [OtOn::H, OtOn::Z] {
            compare(Method::SinSim, cost, ot_on);
        }
    }
}

#[test]
fn embeddings_that_are_not_finite_are_an_error_that_names_the_cause() {
    let device = Device::flex().autodiff();
    let z = Tensor::<2>::from_floats([[f32::NAN, 1.0], [1.0, 0.0]], &device);
    let mut objective = Objective::new(
        Method::SimClr,
        config(OtCost::Cosine, OtOn::Z),
        BackendKind::Flex,
    );
    let error = objective
        .apply(Embeddings { h: z.clone(), z })
        .err()
        .map(|e| e.to_string());
    assert!(error.unwrap().contains("--lr"));
}
