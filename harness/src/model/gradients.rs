//! Gradients by name, with the names of [`state_dict`](super::state_dict::state_dict).

use burn::{
    module::{Module, ModuleVisitor, Param},
    optim::GradientsParams,
    tensor::Tensor,
};

use super::state_dict::{Entry, Path};

/// The gradients of a module's parameters, as an optimiser is given them, in the order of
/// its fields. A parameter that no gradient reached has no entry.
pub fn gradients<M: Module>(module: &M, gradients: &GradientsParams) -> Vec<Entry> {
    let mut collect = Collect {
        path: Path::default(),
        gradients,
        entries: Vec::new(),
    };
    module.visit(&mut collect);
    collect.entries
}

struct Collect<'a> {
    path: Path,
    gradients: &'a GradientsParams,
    entries: Vec<Entry>,
}

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.entries.push(Entry::of(self.path.name(), gradient));
        }
    }
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name);
    }
    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }
}
