//! What the numbers of a study come to: cells of the same setting grouped over their
//! seeds, mean and spread of each group, groups compared, and the finding in words.

mod finding;
mod group;
mod limits;
mod spread;

pub use finding::{Finding, findings};
pub use group::{Failure, Group, Probe, Run, Setting};
pub use limits::limits;
pub use spread::{Difference, LEAST_PAIRS, Spread, Verdict, difference};

use serde::Serialize;

use crate::{
    cell::{CellState, Part},
    names,
    study::Study,
};

/// A study in groups.
#[derive(Debug)]
pub struct Summary<'a> {
    /// In the order of the tables: by data set, method, constants.
    pub groups: Vec<Group<'a>>,
    /// How far it is.
    pub progress: Progress,
}

/// How many cells stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Progress {
    /// Of the grid.
    pub cells: usize,
    /// With a result.
    pub done: usize,
    /// Without one, for a reason.
    pub failed: usize,
    /// Not run to their end.
    pub open: usize,
}

/// SinSim against SimCLR in one setting.
#[derive(Debug)]
pub struct Comparison<'g, 'a> {
    /// Of SinSim.
    pub group: &'g Group<'a>,
    /// Of SimCLR on the same data set.
    pub reference: &'g Group<'a>,
    /// What their encoders were judged by.
    pub probe: Probe,
    /// SinSim − SimCLR, as a share of 1.
    pub difference: Difference,
}

impl<'a> Summary<'a> {
    /// Of all cells.
    pub fn of(study: &'a Study) -> Self {
        let mut groups: Vec<Group<'a>> = Vec::new();
        let mut progress = Progress::default();
        for finished in &study.cells {
            progress.cells += 1;
            match finished.state {
                CellState::Done(_) => progress.done += 1,
                CellState::Failed(_) => progress.failed += 1,
                CellState::Open => progress.open += 1,
            }
            let setting = Setting::of(&finished.cell);
            match groups.iter_mut().find(|group| group.setting == setting) {
                Some(group) => group.add(finished),
                None => {
                    let mut group = Group::new(setting);
                    group.add(finished);
                    groups.push(group);
                }
            }
        }
        // Stable: names that are not the paper's stay in the order of the grid.
        groups.sort_by(|a, b| a.setting.order(&b.setting));
        Self { groups, progress }
    }

    /// Groups of a part of the report, in their order.
    pub fn of_part(&self, part: Part) -> impl Iterator<Item = &Group<'a>> {
        let has = move |group: &&Group| group.parts.contains(&part);
        self.groups.iter().filter(has)
    }

    /// Data sets of some groups, each once, in their order.
    pub fn datasets<'g>(groups: impl IntoIterator<Item = &'g Group<'a>>) -> Vec<&'a str>
    where
        'a: 'g,
    {
        let mut names: Vec<&str> = Vec::new();
        for group in groups {
            if !names.contains(&group.setting.dataset) {
                names.push(group.setting.dataset);
            }
        }
        names
    }

    /// SimCLR under the conditions of `group`; or, if there is no such group, the only
    /// SimCLR that there is on the data set.
    pub fn reference(&self, group: &Group<'a>) -> Option<&Group<'a>> {
        let of_dataset = |other: &&Group| {
            other.setting.method == names::SIMCLR && other.setting.dataset == group.setting.dataset
        };
        let mut all = self.groups.iter().filter(of_dataset);
        let equal = all
            .clone()
            .find(|other| other.setting.args == group.setting.args);
        equal.or_else(|| all.next().filter(|_| all.next().is_none()))
    }

    /// SinSim against SimCLR on each data set, in the settings of the tables; in a
    /// study without tables, in all of its settings.
    pub fn comparisons(&self, probe: Probe) -> Vec<Comparison<'_, 'a>> {
        let tables = self.of_part(Part::Methods).next().is_some();
        let asked = |group: &&Group| {
            group.setting.method == names::SINSIM
                && (!tables || group.parts.contains(&Part::Methods))
        };
        let groups = self.groups.iter().filter(asked);
        groups
            .filter_map(|group| self.compared(group, probe))
            .collect()
    }

    /// A group against its SimCLR.
    pub fn compared<'g>(
        &'g self,
        group: &'g Group<'a>,
        probe: Probe,
    ) -> Option<Comparison<'g, 'a>> {
        let reference = self.reference(group)?;
        Some(Comparison {
            group,
            reference,
            probe,
            difference: difference(&group.top1(probe), &reference.top1(probe)),
        })
    }

    /// The encoder before training, on a data set: a value per seed. Methods start
    /// from the same encoder at the same seed; where they do not, their mean counts.
    pub fn untrained(&self, dataset: &str, probe: Probe) -> Vec<(u64, f64)> {
        let tables: Vec<&Group> = self.of_part(Part::Methods).collect();
        let groups = if tables.is_empty() {
            self.groups.iter().collect()
        } else {
            tables
        };
        let here = groups.into_iter().filter(|g| g.setting.dataset == dataset);
        let mut values: Vec<(u64, f64)> = here.flat_map(|g| g.untrained_top1(probe)).collect();
        values.sort_by_key(|value| value.0);
        let mean = |same: &[(u64, f64)]| {
            let spread = Spread::of(same.iter().map(|value| value.1))?;
            Some((same.first()?.0, spread.mean))
        };
        values
            .chunk_by(|a, b| a.0 == b.0)
            .filter_map(mean)
            .collect()
    }
}
