//! The layers against naive f64 loops and against burn's own operations, and their
//! independence of the number of threads.

use burn::{
    nn::{BatchNormConfig, conv::Conv2dConfig},
    tensor::{Device, Distribution, Tensor, activation::relu, module, ops::ConvOptions},
};

use super::{BatchNorm, add_relu, conv2d, convolve, unfold::Geometry};

/// Every backend that this build has, with autodiff.
fn devices() -> Vec<Device> {
    let devices = [
        Some(Device::flex()),
        #[cfg(feature = "torch")]
        crate::backend::BackendKind::Torch.device().ok(),
    ];
    devices
        .into_iter()
        .flatten()
        .map(Device::autodiff)
        .collect()
}

/// Kernel, stride and padding of every convolution in ResNet-18, and sizes around the
/// edges: one pixel, odd sizes under stride 2, one channel, one image, a kernel that
/// hangs over both sides, images large enough to be cut into tiles.
const CASES: [(usize, [usize; 4], usize, usize, usize); 12] = [
    // batch, [in, height, width, out], kernel, stride, padding
    (2, [3, 8, 8, 4], 3, 1, 1),
    (1, [1, 1, 1, 1], 3, 1, 1),
    (3, [2, 5, 7, 3], 3, 2, 1),
    (5, [4, 6, 6, 5], 1, 2, 0),
    (2, [3, 9, 9, 6], 7, 2, 3),
    (4, [1, 3, 2, 2], 7, 2, 3),
    (9, [5, 2, 2, 7], 3, 1, 1),
    (33, [6, 1, 1, 4], 3, 1, 1),
    (2, [64, 32, 32, 8], 3, 1, 1),
    (1, [3, 16, 31, 2], 3, 2, 1),
    (7, [8, 4, 4, 16], 3, 2, 1),
    (2, [2, 1, 9, 3], 3, 1, 1),
];

fn geometry(
    (_, [channels_in, height, width, channels_out], kernel, stride, padding): (
        usize,
        [usize; 4],
        usize,
        usize,
        usize,
    ),
) -> Geometry {
    Geometry {
        channels_in,
        height,
        width,
        channels_out,
        kernel,
        stride,
        padding,
    }
}

/// Numbers in [-1, 1] from a multiplicative generator.
fn noise(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(2) + 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

/// Calls `visit(output index, input index, kernel index)` for every product of a convolution.
fn each_product(g: &Geometry, batch: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let (tall, wide) = (g.height_out(), g.width_out());
    for image in 0..batch {
        for oc in 0..g.channels_out {
            for (oy, ox) in (0..tall).flat_map(|y| (0..wide).map(move |x| (y, x))) {
                let out = ((image * g.channels_out + oc) * tall + oy) * wide + ox;
                for ic in 0..g.channels_in {
                    for (ky, kx) in (0..g.kernel).flat_map(|y| (0..g.kernel).map(move |x| (y, x))) {
                        let y = (oy * g.stride + ky).checked_sub(g.padding);
                        let x = (ox * g.stride + kx).checked_sub(g.padding);
                        let (Some(y), Some(x)) = (y, x) else { continue };
                        if y < g.height && x < g.width {
                            let input = ((image * g.channels_in + ic) * g.height + y) * g.width + x;
                            let kernel =
                                ((oc * g.channels_in + ic) * g.kernel + ky) * g.kernel + kx;
                            visit(out, input, kernel);
                        }
                    }
                }
            }
        }
    }
}

/// A sum of `terms` products of numbers up to 1, in f32 in any order, is within
/// `terms · 2⁻²⁴ · terms/2` of the exact one in the worst case; the errors of random
/// terms add up like a walk, for which `8 √terms · 2⁻²⁴ · √terms` is ample.
fn assert_close(got: &[f32], expected: &[f64], terms: usize, what: &str) {
    let tolerance = 8.0 * terms as f64 * f64::from(f32::EPSILON) / 2.0;
    assert_eq!(got.len(), expected.len(), "{what}");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        let difference = (f64::from(*got) - expected).abs();
        assert!(
            difference <= tolerance,
            "{what}[{i}]: {got} is not {expected}"
        );
    }
}

#[test]
fn convolution_and_gradients_are_the_naive_ones() {
    for case in CASES {
        let (batch, g) = (case.0, geometry(case));
        let input = noise(batch * g.image_in(), 1);
        let kernel = noise(g.channels_out * g.depth(), 2);
        let gradient = noise(batch * g.image_out(), 3);
        let mut output = vec![f32::NAN; gradient.len()];
        convolve::forward(&g, &input, &kernel, &mut output);
        let mut to_input = vec![f32::NAN; input.len()];
        convolve::backward_input(&g, &gradient, &kernel, &mut to_input);
        let mut to_kernel = vec![f32::NAN; kernel.len()];
        convolve::backward_kernel(&g, &input, &gradient, &mut to_kernel);

        let (mut y, mut dx, mut dk) = (
            vec![0.0; output.len()],
            vec![0.0; input.len()],
            vec![0.0; kernel.len()],
        );
        each_product(&g, batch, |o, i, k| {
            y[o] += f64::from(input[i]) * f64::from(kernel[k]);
            dx[i] += f64::from(gradient[o]) * f64::from(kernel[k]);
            dk[k] += f64::from(gradient[o]) * f64::from(input[i]);
        });
        assert_close(&output, &y, g.depth(), &format!("output of {case:?}"));
        let over = g.channels_out * g.kernel * g.kernel;
        assert_close(&to_input, &dx, over, &format!("input gradient of {case:?}"));
        assert_close(
            &to_kernel,
            &dk,
            batch * g.positions(),
            &format!("kernel gradient of {case:?}"),
        );
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut all = Vec::new();
            for case in CASES {
                let (batch, g) = (case.0, geometry(case));
                let input = noise(batch * g.image_in(), 1);
                let kernel = noise(g.channels_out * g.depth(), 2);
                let gradient = noise(batch * g.image_out(), 3);
                let mut output = vec![0.0; gradient.len()];
                convolve::forward(&g, &input, &kernel, &mut output);
                let mut to_input = vec![0.0; input.len()];
                convolve::backward_input(&g, &gradient, &kernel, &mut to_input);
                let mut to_kernel = vec![0.0; kernel.len()];
                convolve::backward_kernel(&g, &input, &gradient, &mut to_kernel);
                all.extend(
                    [output, to_input, to_kernel]
                        .concat()
                        .into_iter()
                        .map(f32::to_bits),
                );
            }
            all
        })
    };
    let one = run(1);
    assert!(run(2) == one && run(3) == one && run(8) == one);
}

/// Values of a tensor.
fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f32>().map(f64::from).collect()
}

#[test]
fn convolution_on_the_tape_is_burn_s() {
    devices()
        .into_iter()
        .for_each(|device| convolution_is_burn_s_on(&device));
}

fn convolution_is_burn_s_on(device: &Device) {
    device.seed(3);
    let normal = Distribution::Normal(0.0, 1.0);
    let x = Tensor::<4>::random([3, 4, 9, 9], normal, device).require_grad();
    let kernel = Tensor::<4>::random([5, 4, 3, 3], normal, device).require_grad();
    let weight = Tensor::<4>::random([3, 5, 5, 5], normal, device);
    let ours = conv2d(x.clone(), kernel.clone(), 2, 1);
    let options = ConvOptions::new([2, 2], [1, 1], [1, 1], 1);
    let theirs = module::conv2d(x.clone(), kernel.clone(), None, options);
    let gradients = [
        (ours.clone() * weight.clone()).sum(),
        (theirs.clone() * weight).sum(),
    ]
    .map(|loss| loss.backward());
    // Sums of 36 (output), 20 (input) and 75 (kernel) products of standard normals:
    // magnitudes to 40, so 1e-4 is some twenty ulp.
    let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-4);
    assert!(close(&values(ours), &values(theirs)));
    for leaf in [x, kernel] {
        let [a, b] = [&gradients[0], &gradients[1]].map(|g| values(leaf.grad(g).unwrap()));
        assert!(!a.is_empty() && close(&a, &b));
    }
    // The layer's weights are burn's in shape, so that either can read the other's files.
    let layer = Conv2dConfig::new([4, 5], [3, 3]).init(device);
    assert_eq!(layer.weight.dims(), kernel_dims());
}

fn kernel_dims() -> [usize; 4] {
    [5, 4, 3, 3]
}

#[test]
fn batch_norm_is_burn_s_with_pytorch_s_running_variance() {
    devices()
        .into_iter()
        .for_each(|device| batch_norm_is_burn_s_on(&device));
}

fn batch_norm_is_burn_s_on(device: &Device) {
    device.seed(4);
    let normal = Distribution::Normal(3.0, 2.0);
    let x = Tensor::<4>::random([4, 3, 5, 7], normal, device).require_grad();
    let weight = Tensor::<4>::random([4, 3, 5, 7], normal, device);
    for rectified in [false, true] {
        let ours = BatchNorm::new(3, device);
        let theirs = BatchNormConfig::new(3).init(device);
        let y = if rectified {
            ours.forward_relu(x.clone())
        } else {
            ours.forward(x.clone())
        };
        let z = theirs.forward(x.clone());
        let z = if rectified { relu(z) } else { z };
        let gradients = [
            (y.clone() * weight.clone()).sum(),
            (z.clone() * weight.clone()).sum(),
        ]
        .map(|loss| loss.backward());
        // Values of order 1, sums of 140 terms of order 3 in the gradients of γ and β.
        let close = |a: &[f64], b: &[f64], tolerance: f64| {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= tolerance)
        };
        assert!(close(&values(y), &values(z), 1e-5));
        let [a, b] = [&gradients[0], &gradients[1]].map(|g| values(x.grad(g).unwrap()));
        assert!(close(&a, &b, 1e-4));
        for (a, b) in [(&ours.gamma, &theirs.gamma), (&ours.beta, &theirs.beta)] {
            let a = values(a.val().grad(&gradients[0]).unwrap());
            let b = values(b.val().grad(&gradients[1]).unwrap());
            assert!(close(&a, &b, 1e-3));
        }
        // One update of momentum 0.1 from 1: burn remembers the biased variance of 140
        // values, this layer (as PyTorch) the unbiased one.
        let biased = values(theirs.running_var.value_sync());
        let unbiased: Vec<f64> = biased
            .iter()
            .map(|v| 0.9 + (v - 0.9) * 140.0 / 139.0)
            .collect();
        assert!(close(
            &values(ours.running_var.value_sync()),
            &unbiased,
            1e-5
        ));
        let mean = values(theirs.running_mean.value_sync());
        assert!(close(&values(ours.running_mean.value_sync()), &mean, 1e-5));
    }
}

#[test]
fn frozen_batch_norm_uses_what_it_remembers() {
    devices()
        .into_iter()
        .for_each(|device| frozen_batch_norm_on(&device));
}

fn frozen_batch_norm_on(device: &Device) {
    use burn::module::Module;
    let x = Tensor::<2>::from_floats([[1.0, 10.0], [3.0, 30.0]], device);
    let layer = BatchNorm::new(2, device);
    layer.forward(x.clone());
    let frozen = layer.valid();
    let y = values(frozen.forward(x.clone().inner()));
    // Mean 0.1·2 and 0.1·20; variance 0.9 + 0.1·2 and 0.9 + 0.1·200.
    let expected = [
        (1.0, 0.2, 1.1),
        (10.0, 2.0, 20.9),
        (3.0, 0.2, 1.1),
        (30.0, 2.0, 20.9),
    ]
    .map(|(x, mean, variance): (f64, f64, f64)| (x - mean) / (variance + 1e-5).sqrt());
    for (got, expected) in y.iter().zip(expected) {
        // A handful of f32 roundings of numbers up to 7.
        assert!((got - expected).abs() <= 1e-5, "{got} is not {expected}");
    }
    let rectified =
        values(frozen.forward_relu(Tensor::<2>::from_floats([[-5.0, 5.0]], &x.device().inner())));
    assert!(rectified[0] == 0.0 && rectified[1] > 0.0);
}

#[test]
fn rectified_sum_is_burn_s_and_changes_no_operand() {
    for device in devices() {
        let a = Tensor::<4>::random([2, 3, 4, 5], Distribution::Default, &device) - 0.5;
        let b = Tensor::<4>::random([2, 3, 4, 5], Distribution::Default, &device) - 0.5;
        let (a, b) = (a.require_grad(), b.require_grad());
        let before = [&a, &b].map(|tensor| values(tensor.clone()));
        // Each operand also goes elsewhere, so that a gradient written in place would show.
        let by = |sum: fn(Tensor<4>, Tensor<4>) -> Tensor<4>| {
            let y = sum(a.clone() * 2.0, b.clone());
            let y = sum(y.clone() * 3.0 - 1.0, y.clone()) + y + b.clone() * a.clone();
            (values(y.clone()), (y.clone() * y).sum().backward())
        };
        let (ours, gradients) = by(add_relu);
        let (theirs, expected) = by(|a, b| relu(a + b));
        // The same f32 operations in the same order.
        assert_eq!(ours, theirs);
        for leaf in [&a, &b] {
            let [got, expected] = [&gradients, &expected].map(|g| values(leaf.grad(g).unwrap()));
            // Sums of a few products up to 100 in an order that may differ.
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-4;
            assert!(got.len() == 120 && got.iter().zip(&expected).all(close));
        }
        assert_eq!([&a, &b].map(|tensor| values(tensor.clone())), before);
    }
}
