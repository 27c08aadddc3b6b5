//! A whole study, as its report sees it.

use std::path::PathBuf;

use crate::cell::Finished;

/// All that a report is made of.
#[derive(Clone, Debug)]
pub struct Study {
    /// What it is called: the budget of a reproduction, or `sweep`.
    pub name: String,
    /// The command that runs it again.
    pub command: String,
    /// Name and version of the program.
    pub program: String,
    /// Processor, cores, system.
    pub machine: String,
    /// Every cell of the grid, also those that are open or failed.
    pub cells: Vec<Finished>,
    /// Pictures of Figure 1, where they could be drawn.
    pub maps: Vec<MapPicture>,
}

/// A map of the embeddings of several methods on one data set.
#[derive(Clone, Debug)]
pub struct MapPicture {
    /// Data set.
    pub dataset: String,
    /// The picture, an SVG file.
    pub svg: PathBuf,
    /// What it shows: methods, seed, number of points, perplexity.
    pub caption: String,
}
