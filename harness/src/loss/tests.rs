//! The objective against burn's own autodiff of the textbook formulas, written
//! here in tensors and used nowhere else.

use burn::tensor::{Device, Distribution, Tensor, TensorData, activation::log_softmax};

use super::{
    BarlowTwinsConfig, ByolConfig, LossConfig, Objective, OtCost, OtForm, OtOn, OtScale, OtUnit,
    SimClrConfig, SinSimConfig, TransportConfig, VicRegConfig,
};
use crate::{backend::BackendKind, model::Embeddings};

const TEMPERATURE: f32 = 0.5;

/// About a tenth of the typical cost, so that the unrolled loop converges.
fn epsilon(cost: OtCost) -> f32 {
    match cost {
        OtCost::SquaredEuclidean => 1.5,
        OtCost::Cosine => 0.1,
    }
}

fn sinsim(cost: OtCost, on: OtOn) -> LossConfig {
    LossConfig::SinSim(SinSimConfig {
        temperature: TEMPERATURE,
        lambda: 0.7,
        transport: TransportConfig {
            on,
            cost,
            cost_scale: OtScale::None,
            form: OtForm::Plain,
            rho: f32::INFINITY,
            epsilon_unit: OtUnit::Absolute,
            epsilon: epsilon(cost),
            // The envelope theorem holds at convergence: iterate until f32 can do no more.
            threshold: 1e-6,
            max_iterations: 500,
        },
    })
}

fn simclr() -> LossConfig {
    LossConfig::SimClr(SimClrConfig {
        temperature: TEMPERATURE,
    })
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

const BYOL: ByolConfig = ByolConfig {
    ema_momentum: 0.9,
    predictor_lr_factor: 1.0,
};

/// `mean(2 − 2 cos)` in both directions.
fn byol(q: Tensor<2>, t: Tensor<2>) -> Tensor<1> {
    let half = q.dims()[0] / 2;
    let other = Tensor::cat(
        vec![t.clone().slice([half..2 * half]), t.slice([0..half])],
        0,
    );
    let cosines = (unit_rows(q) * unit_rows(other)).sum();
    (-cosines + 2.0 * half as f32) * (2.0 / half as f32)
}

fn views(z: Tensor<2>) -> [Tensor<2>; 2] {
    let half = z.dims()[0] / 2;
    [z.clone().slice([0..half]), z.slice([half..2 * half])]
}

fn centred(z: Tensor<2>) -> Tensor<2> {
    let mean = z.clone().mean_dim(0);
    z - mean
}

/// The squares of a square matrix's off-diagonal entries, summed.
fn off_diagonal(c: Tensor<2>) -> Tensor<1> {
    let keep = Tensor::<2>::eye(c.dims()[0], &c.device()) * -1.0 + 1.0;
    (c.clone() * c * keep).sum()
}

fn vicreg(z: Tensor<2>) -> Tensor<1> {
    let [a, b] = views(z);
    let [n, d] = a.dims().map(|x| x as f32);
    let difference = a.clone() - b.clone();
    let mut loss = (difference.clone() * difference).mean() * 25.0;
    for view in [a, b] {
        let x = centred(view);
        let covariance = x.clone().transpose().matmul(x.clone()) / (n - 1.0);
        let deviation = ((x.clone() * x).sum_dim(0) / (n - 1.0) + 1e-4).sqrt();
        let hinge = burn::tensor::activation::relu(-deviation + 1.0).mean();
        loss = loss + hinge * 12.5 + off_diagonal(covariance) / d;
    }
    loss
}

fn barlow_twins(z: Tensor<2>) -> Tensor<1> {
    let standard = |view| {
        let x = centred(view);
        let variance = (x.clone() * x.clone()).mean_dim(0);
        x / (variance + 1e-5).sqrt()
    };
    let [a, b] = views(z).map(standard);
    let n = a.dims()[0] as f32;
    let c = a.transpose().matmul(b) / n;
    let eye = Tensor::<2>::eye(c.dims()[0], &c.device());
    let diagonal = (c.clone() - 1.0) * eye;
    ((diagonal.clone() * diagonal).sum() + off_diagonal(c) * 0.01) * 0.1
}

/// [`compare_on`] the host, and on a GPU where this build and this machine have one.
fn compare(config: &LossConfig) {
    for backend in [BackendKind::Flex, BackendKind::Cuda] {
        match backend.device() {
            Ok(device) => compare_on(backend, &device.autodiff(), config),
            Err(reason) => eprintln!("skipped: {reason}"),
        }
    }
}

/// The objective in tensors.
fn textbook(config: &LossConfig, e: &Embeddings, target: Tensor<2>) -> Tensor<1> {
    let z = e.z.clone();
    match config {
        LossConfig::SimClr(_) => nt_xent(z),
        LossConfig::SinSim(c) => {
            let on = match c.transport.on {
                OtOn::H => e.h.clone(),
                OtOn::Z => z.clone(),
            };
            let [a, b] = views(on);
            nt_xent(z) + transport(a, b, c.transport.cost) * 0.7
        }
        LossConfig::Byol(_) => byol(e.prediction.clone().unwrap(), target),
        LossConfig::VicReg(_) => vicreg(z),
        LossConfig::BarlowTwins(_) => barlow_twins(z),
        LossConfig::Swav(_) => panic!("compared in kernels-core"),
    }
}

/// Loss and gradients with respect to all embeddings, by the objective and by the textbook.
fn compare_on(backend: BackendKind, device: &Device, config: &LossConfig) {
    device.seed(11);
    let noise = |width| Tensor::<2>::random([12, width], Distribution::Normal(0.2, 1.0), device);
    let (h, z) = (noise(6).require_grad(), noise(5).require_grad());
    let prediction = noise(5).require_grad();
    let target = noise(5);
    let embeddings = || Embeddings {
        h: h.clone(),
        z: z.clone(),
        prediction: Some(prediction.clone()),
        scores: None,
    };
    let textbook = textbook(config, &embeddings(), target.clone());
    let mut objective = Objective::new(config.clone(), backend);
    let (loss, terms) = objective.apply(embeddings(), Some(target)).unwrap();
    let transports = matches!(config, LossConfig::SinSim(_));
    assert_eq!(terms.sinkhorn.is_some(), transports);
    assert_eq!(terms.term("ot").is_some(), transports);
    let value = |t: &Tensor<1>| t.clone().into_scalar::<f32>();
    // Both sides are f32 with sums of at most 12 terms of order 1, and 300 soft minima
    // whose errors do not add up (Sinkhorn corrects itself): 1e-5 is some twenty ulp.
    let close = |a: f32, b: f32| (a - b).abs() <= 1e-5 * (1.0 + a.abs());
    assert!(close(value(&loss), value(&textbook)), "{loss} {textbook}");
    assert!(close(value(&loss), terms.loss));
    let (ours, theirs) = ((loss * 3.0).backward(), (textbook * 3.0).backward());
    for x in [&h, &z, &prediction] {
        let gradient = |g| {
            x.grad(g)
                .map(|g| g.into_data().try_to_vec::<f32>().unwrap())
        };
        let expected = gradient(&theirs);
        let got = gradient(&ours);
        assert_eq!(got.is_some(), expected.is_some());
        for (a, b) in got.iter().flatten().zip(expected.iter().flatten()) {
            // Gradients are of order 0.1 to 10; the unrolled one carries 300 roundings.
            assert!(
                (a - b).abs() <= 5e-5 * a.abs().max(1.0),
                "{backend:?}, {config:?}: {a} is not {b}"
            );
        }
    }
}

#[test]
fn simclr_is_the_textbook_s() {
    compare(&simclr());
}

#[test]
fn sinsim_is_the_textbook_s_wherever_it_acts() {
    for cost in [OtCost::SquaredEuclidean, OtCost::Cosine] {
        for on in [OtOn::H, OtOn::Z] {
            compare(&sinsim(cost, on));
        }
    }
}

#[test]
fn byol_vicreg_and_barlow_twins_are_the_textbook_s() {
    compare(&LossConfig::Byol(BYOL));
    compare(&LossConfig::VicReg(VicRegConfig {
        invariance: 25.0,
        variance: 25.0,
        covariance: 1.0,
    }));
    compare(&LossConfig::BarlowTwins(BarlowTwinsConfig {
        lambda: 0.01,
        scale: 0.1,
    }));
}

#[test]
fn embeddings_that_are_not_finite_are_an_error_that_names_the_cause() {
    let device = Device::flex().autodiff();
    let z = Tensor::<2>::from_floats([[f32::NAN, 1.0], [1.0, 0.0]], &device);
    let error = apply(simclr(), z.clone(), None);
    assert!(error.contains("--lr"), "{error}");
    let error = apply(LossConfig::Byol(BYOL), z.clone(), Some(z));
    assert!(error.contains("a network with a predictor"), "{error}");
}

fn apply(config: LossConfig, z: Tensor<2>, target: Option<Tensor<2>>) -> String {
    let embeddings = Embeddings {
        h: z.clone(),
        z,
        prediction: None,
        scores: None,
    };
    let result = Objective::new(config, BackendKind::Flex).apply(embeddings, target);
    result.err().map(|error| error.to_string()).unwrap()
}
