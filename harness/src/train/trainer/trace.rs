//! One step laid open: everything that a loss and its gradients were computed from, under
//! PyTorch's names and in its layouts, so that another implementation can repeat it
//! (scripts/agreement.py).

use super::{StepError, Trainer};
use crate::{
    augment::ViewBatch,
    loss::LossTerms,
    model::{
        gradients,
        state_dict::{Entry, state_dict},
    },
};

/// A loss with what went into it and what came out.
#[derive(Clone, Debug)]
pub struct Trace {
    /// The objective and its parts.
    pub terms: LossTerms,
    /// `images` (view A's rows, then view B's), the network's weights by name, BYOL's
    /// target under `target.`, `h`, `z`, and gradients under `grad.`.
    pub tensors: Vec<Entry>,
}

impl Trainer {
    /// Loss and gradients of a batch, as [`Trainer::step`] computes them. No weight moves;
    /// batch norm's running statistics do, as in every forward pass.
    pub fn trace(&mut self, batch: ViewBatch) -> Result<Trace, StepError> {
        let views = self.tensor(batch);
        let mut tensors = vec![Entry::of("images", views.clone())];
        tensors.extend(state_dict(&self.network).into_iter().map(in_torch_layout));
        if let Some(target) = &self.target {
            let entries = state_dict(target.network()).into_iter();
            tensors.extend(entries.map(in_torch_layout).map(|e| under("target", e)));
        }
        let pass = self.pass(views, 1.0, false)?;
        let gradients = gradients(&self.network, &pass.gradients).into_iter();
        tensors.extend(gradients.map(in_torch_layout).map(|e| under("grad", e)));
        tensors.push(Entry::of("h", pass.h));
        tensors.push(Entry::of("z", pass.z));
        Ok(Trace {
            terms: pass.terms,
            tensors,
        })
    }
}

fn under(prefix: &str, entry: Entry) -> Entry {
    Entry {
        name: format!("{prefix}.{}", entry.name),
        ..entry
    }
}

/// A linear layer's matrix, the only kind of rank 2, is `[input, output]` in burn and
/// `[output, input]` in PyTorch.
fn in_torch_layout(entry: Entry) -> Entry {
    let [inputs, outputs] = entry.shape[..] else {
        return entry;
    };
    let transposed = (0..outputs).flat_map(|o| (0..inputs).map(move |i| i * outputs + o));
    Entry {
        shape: vec![outputs, inputs],
        values: transposed
            .filter_map(|at| entry.values.get(at).copied())
            .collect(),
        name: entry.name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matrices_are_transposed_and_nothing_else() {
        let entry = |shape: &[usize], values: &[f32]| Entry {
            name: "x".to_owned(),
            shape: shape.to_vec(),
            values: values.to_vec(),
        };
        let matrix = entry(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let expected = entry(&[3, 2], &[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        assert_eq!(in_torch_layout(matrix), expected);
        let kernel = entry(&[2, 1, 1, 2], &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(in_torch_layout(kernel.clone()), kernel);
    }
}
