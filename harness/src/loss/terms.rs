//! What one evaluation of an objective gave: the number that is minimised, and what it
//! consists of.

use kernels_core::sin_sim::OtTerm;

/// An objective's value and parts.
#[derive(Clone, Debug, PartialEq)]
pub struct LossTerms {
    /// The objective.
    pub loss: f32,
    /// Its parts by name, before their weights.
    pub terms: Terms,
    /// How the transport ended, where one was computed.
    pub sinkhorn: Option<Transport>,
}

/// Numbers by name, in the order of the formula.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms(pub Vec<(&'static str, f32)>);

/// What Sinkhorn said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transport {
    /// L1 distance of the plan's marginals from what they should be.
    pub marginal_error: f32,
    /// Iterations taken.
    pub iterations: usize,
    /// Whether the threshold was reached within the limit.
    pub converged: bool,
}

impl From<&OtTerm<f32>> for Transport {
    fn from(term: &OtTerm<f32>) -> Self {
        Self {
            marginal_error: term.marginal_error,
            iterations: term.iterations,
            converged: term.converged,
        }
    }
}

impl LossTerms {
    /// An objective without transport.
    pub fn plain(loss: f32, terms: Vec<(&'static str, f32)>) -> Self {
        Self {
            loss,
            terms: Terms(terms),
            sinkhorn: None,
        }
    }

    /// The part of this name.
    pub fn term(&self, name: &str) -> Option<f32> {
        let found = self.terms.0.iter().find(|(own, _)| *own == name);
        found.map(|&(_, value)| value)
    }

    /// All numbers times `weight`.
    #[must_use]
    pub fn scaled(mut self, weight: f32) -> Self {
        self.loss *= weight;
        for (_, value) in &mut self.terms.0 {
            *value *= weight;
        }
        self
    }

    /// Adds another batch's terms; of Sinkhorn's state the worse counts.
    #[must_use]
    pub fn merge(mut self, other: &Self) -> Self {
        self.loss += other.loss;
        for ((_, value), (_, more)) in self.terms.0.iter_mut().zip(&other.terms.0) {
            *value += more;
        }
        if let (Some(own), Some(more)) = (&mut self.sinkhorn, other.sinkhorn) {
            own.marginal_error = own.marginal_error.max(more.marginal_error);
            own.iterations = own.iterations.max(more.iterations);
            own.converged &= more.converged;
        }
        self
    }
}
