//! Parity of all but transport.

use benches::problem::{normal, views};
use kernels_core::log_sum_exp::log_sum_exp;
use kernels_core::{
    barlow_twins as core_bt, byol as core_byol, nt_xent as core_nt, vicreg as core_vr,
};
use kernels_cuda::matrix_product::{Form, matrix_product};
use kernels_cuda::{
    Buffer, barlow_twins as bt, byol, log_sum_exp as lse, nt_xent as nt, vicreg as vr,
};

use crate::Answer;
use crate::parity::{Compared, Report};
use crate::scale::Scale;

/// The device's numbers, and the same ones in f64.
pub fn single(values: &[f64]) -> (Vec<f32>, Vec<f64>) {
    let narrow: Vec<f32> = values.iter().map(|&x| x as f32).collect();
    let wide = narrow.iter().map(|&x| f64::from(x)).collect();
    (narrow, wide)
}

/// All comparisons of this file.
pub fn all(report: &mut Report<'_>, scale: Scale) {
    for &(rows, columns) in scale.pairs() {
        log_sum_exps(report, rows, columns);
    }
    for &(rows, dim) in scale.batches() {
        for temperature in [0.5, 0.07] {
            nt_xents(report, rows, dim, temperature);
        }
        byols(report, rows, dim);
        if rows >= 4 {
            vicregs(report, rows, dim);
            twins(report, rows, dim);
        }
        products(report, [rows, dim, dim + 5]);
    }
    if scale == Scale::Full {
        nt_xents(report, 8192, 128, 0.5);
        log_sum_exps(report, 8192, 8192);
    }
}

fn log_sum_exps(report: &mut Report<'_>, rows: usize, columns: usize) {
    let device = report.device;
    let size = format!("{rows} x {columns}");
    let (x, wide) = single(
        &normal(7, rows * columns)
            .iter()
            .map(|x| 5.0 * x)
            .collect::<Vec<_>>(),
    );
    report.case("log_sum_exp_of_rows", &size, || {
        let x = Buffer::of(device, &x)?;
        let out = Buffer::new(device, rows)?;
        lse::log_sum_exp_of_rows(device, x.array(), (rows, columns), out.array())?;
        let want = wide.chunks_exact(columns).map(log_sum_exp);
        Ok(vec![Compared::new("value", out.to_vec()?, want)])
    });
    report.case("log_sum_exp_of_columns", &size, || {
        let x = Buffer::of(device, &x)?;
        let out = Buffer::new(device, columns)?;
        let room = Buffer::new(device, lse::log_sum_exp_of_columns_workspace_len(columns))?;
        lse::log_sum_exp_of_columns(
            device,
            x.array(),
            (rows, columns),
            out.array(),
            room.array(),
        )?;
        let column = |j| {
            log_sum_exp(
                &wide[j..]
                    .iter()
                    .step_by(columns)
                    .copied()
                    .collect::<Vec<_>>(),
            )
        };
        Ok(vec![Compared::new(
            "value",
            out.to_vec()?,
            (0..columns).map(column),
        )])
    });
}

fn nt_xents(report: &mut Report<'_>, rows: usize, dim: usize, temperature: f32) {
    let device = report.device;
    let size = format!("{rows} x {dim} t{temperature}");
    report.case("nt_xent_with_grad", &size, || {
        let (z, wide) = single(&views(rows, dim));
        let z = Buffer::of(device, &z)?;
        let grad = Buffer::new(device, rows * dim)?;
        let room = Buffer::new(device, nt::nt_xent_workspace_len(rows, dim))?;
        let (out, room) = (grad.array(), room.array());
        let loss = nt::nt_xent_with_grad(device, z.array(), rows, dim, temperature, out, room)?;
        let value = nt::nt_xent(device, z.array(), rows, dim, temperature, room)?;
        let mut want = vec![0.0; rows * dim];
        let mut room = vec![0.0; core_nt::nt_xent_workspace_len(rows, dim)];
        let wanted =
            core_nt::nt_xent_with_grad(&wide, rows, dim, temperature.into(), &mut want, &mut room)?;
        Ok(vec![
            Compared::new("loss", [loss, value], [wanted; 2]),
            Compared::new("gradient", grad.to_vec()?, want),
        ])
    });
}

fn byols(report: &mut Report<'_>, rows: usize, dim: usize) {
    let device = report.device;
    let size = format!("{rows} x {dim}");
    for symmetric in [false, true] {
        let function = if symmetric {
            "byol_symmetric_with_grad"
        } else {
            "byol_with_grad"
        };
        report.case(function, &size, || {
            let (q, wide_q) = single(&normal(3, rows * dim));
            let (t, wide_t) = single(&normal(4, rows * dim));
            let (q, t) = (Buffer::of(device, &q)?, Buffer::of(device, &t)?);
            let grad = Buffer::new(device, rows * dim)?;
            let room = Buffer::new(device, byol::byol_workspace_len(rows))?;
            let (q, t, out, room) = (q.array(), t.array(), grad.array(), room.array());
            let mut want = vec![0.0; rows * dim];
            let (got, wanted) = if symmetric {
                let loss = byol::byol_symmetric_with_grad(device, q, t, rows, dim, out, room)?;
                let wanted =
                    core_byol::byol_symmetric_with_grad(&wide_q, &wide_t, rows, dim, &mut want)?;
                ([loss; 2], [wanted; 2])
            } else {
                let loss = byol::byol_with_grad(device, q, t, rows, dim, out, room)?;
                let value = byol::byol(device, q, t, rows, dim, room)?;
                let wanted = core_byol::byol_with_grad(&wide_q, &wide_t, rows, dim, &mut want)?;
                ([loss, value], [wanted; 2])
            };
            Ok(vec![
                Compared::new("loss", got, wanted),
                Compared::new("gradient", grad.to_vec()?, want),
            ])
        });
    }
}

fn vicregs(report: &mut Report<'_>, rows: usize, dim: usize) {
    let device = report.device;
    report.case("vicreg_with_grad", &format!("{rows} x {dim}"), || {
        // Narrow enough for the hinges to be active in some columns.
        let narrowed = views(rows, dim).iter().map(|x| 0.8 * x).collect::<Vec<_>>();
        let (z, wide) = single(&narrowed);
        let z = Buffer::of(device, &z)?;
        let grad = Buffer::new(device, rows * dim)?;
        let room = Buffer::new(device, vr::vicreg_workspace_len(rows, dim))?;
        let options = vr::VicRegOptions::default();
        let (out, room) = (grad.array(), room.array());
        let loss = vr::vicreg_with_grad(device, z.array(), rows, dim, &options, out, room)?;
        let value = vr::vicreg(device, z.array(), rows, dim, &options, room)?;
        let mut want = vec![0.0; rows * dim];
        let mut room = vec![0.0; core_vr::vicreg_workspace_len(rows, dim)];
        let options = core_vr::VicRegOptions::default();
        let wanted = core_vr::vicreg_with_grad(&wide, rows, dim, &options, &mut want, &mut room)?;
        Ok(vec![
            Compared::new("loss", [loss.loss, value.loss], [wanted.loss; 2]),
            Compared::new("invariance", [loss.invariance], [wanted.invariance]),
            Compared::new("variance", [loss.variance], [wanted.variance]).at_scale(1.0),
            Compared::new("covariance", [loss.covariance], [wanted.covariance]),
            Compared::new("gradient", grad.to_vec()?, want),
        ])
    });
}

fn twins(report: &mut Report<'_>, rows: usize, dim: usize) {
    let device = report.device;
    report.case("barlow_twins_with_grad", &format!("{rows} x {dim}"), || {
        let (z, wide) = single(&views(rows, dim));
        let z = Buffer::of(device, &z)?;
        let grad = Buffer::new(device, rows * dim)?;
        let room = Buffer::new(device, bt::barlow_twins_workspace_len(rows, dim))?;
        let options = bt::BarlowTwinsOptions::default();
        let (out, room) = (grad.array(), room.array());
        let loss = bt::barlow_twins_with_grad(device, z.array(), rows, dim, &options, out, room)?;
        let value = bt::barlow_twins(device, z.array(), rows, dim, &options, room)?;
        let mut want = vec![0.0; rows * dim];
        let mut room = vec![0.0; core_bt::barlow_twins_workspace_len(rows, dim)];
        let options = core_bt::BarlowTwinsOptions {
            lambda: f64::from(options.lambda),
            scale: f64::from(options.scale),
            epsilon: f64::from(options.epsilon),
        };
        let wanted =
            core_bt::barlow_twins_with_grad(&wide, rows, dim, &options, &mut want, &mut room)?;
        let parts = [wanted.invariance, wanted.redundancy];
        Ok(vec![
            Compared::new("loss", [loss.loss, value.loss], [wanted.loss; 2]),
            // Sums of squares of entries of order one, each right absolutely.
            Compared::new("parts", [loss.invariance, loss.redundancy], parts).at_scale(1.0),
            Compared::new("gradient", grad.to_vec()?, want),
        ])
    });
}

fn products(report: &mut Report<'_>, [m, n, k]: [usize; 3]) {
    let device = report.device;
    let size = format!("{m} x {n} x {k}");
    let (a, wide_a) = single(&normal(11, m * k));
    let (b, wide_b) = single(&normal(12, k * n));
    for (function, form) in [
        ("matrix_product", Form::Plain),
        ("matrix_product of columns", Form::OfColumns),
        ("matrix_product of rows", Form::OfRows),
    ] {
        report.case(function, &size, || -> Answer<_> {
            let (a, b) = (Buffer::of(device, &a)?, Buffer::of(device, &b)?);
            let out = Buffer::new(device, m * n)?;
            let (a, b) = (a.array(), b.array());
            matrix_product(device, form, a, b, [m, n, k], (1.0, 0.0), out.array())?;
            let of_a = |i, l| match form {
                Form::OfColumns => wide_a[l * m + i],
                _ => wide_a[i * k + l],
            };
            let of_b = |l, j| match form {
                Form::OfRows => wide_b[j * k + l],
                _ => wide_b[l * n + j],
            };
            // Large ones in part: the check is to take seconds, not minutes.
            let step = (m * n * k / (1 << 27)).max(1);
            let some: Vec<usize> = (0..m * n).step_by(step).collect();
            let got = out.to_vec()?;
            let entry = |&at: &usize| (0..k).map(|l| of_a(at / n, l) * of_b(l, at % n)).sum();
            let want: Vec<f64> = some.iter().map(entry).collect();
            Ok(vec![Compared::new(
                "product",
                some.iter().map(|&at| got[at]),
                want,
            )])
        });
    }
}
