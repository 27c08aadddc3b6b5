//! Kind `ntxent`.

use crate::file::{inputs, list, optional, wide};
use crate::report::Report;
use crate::tolerance::Quantity;
use crate::{Error, Problem};
use kernels_core::Real;
use kernels_core::nt_xent::{nt_xent, nt_xent_with_grad, nt_xent_workspace_len};

pub(crate) fn check<T: Real>(problem: &Problem, report: &mut Report) -> Result<(), Error> {
    let (rows, dim, tau) = (problem.n2, problem.d, T::of(problem.tau));
    let exact = list("z", &problem.z, rows * dim)?;
    let z = inputs::<T>(exact);
    let mut grad = vec![T::zero(); z.len()];
    let mut workspace = vec![T::zero(); nt_xent_workspace_len(rows, dim)];
    let loss = nt_xent_with_grad(&z, rows, dim, tau, &mut grad, &mut workspace)?;
    if nt_xent(&z, rows, dim, tau, &mut workspace) != Ok(loss) {
        report.fail("the loss without gradient differs".to_owned());
    }
    let (condition, value) = (1.0 + 1.0 / problem.tau, problem.value()?);
    report.compare(
        Quantity::Value,
        &[loss.wide()],
        &[value],
        value.abs(),
        condition,
    );

    let Some(expected) = optional("grad_z", &problem.grad_z, rows * dim)? else {
        return Ok(());
    };
    // A row's gradient is inversely proportional to its norm.
    let weighted = |grad: &[f64]| -> Vec<f64> {
        let rows = grad.chunks(dim).zip(exact.chunks(dim));
        let products = rows.flat_map(|(grad, z)| {
            let norm = z.iter().map(|v| v * v).sum::<f64>().sqrt();
            grad.iter().map(move |g| g * norm)
        });
        products.collect()
    };
    // The mean stands for the rows' losses where the file does not give them.
    let worst = match optional("loss_rows", &problem.loss_rows, rows)? {
        Some(losses) => losses.iter().copied().fold(0.0, f64::max),
        None => value,
    };
    let size = -(-worst).exp_m1() / (rows as f64 * problem.tau);
    let (got, expected) = (weighted(&wide(&grad)), weighted(expected));
    report.compare(Quantity::Gradient, &got, &expected, size, condition);
    Ok(())
}
