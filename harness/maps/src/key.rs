//! Which colour a class has.
//!
//! An eye tells about ten colours of small dots apart, not a hundred. So there are never
//! more: up to ten classes have one each, CIFAR-100's are grouped by what they are
//! ([`superclass`](super::superclass)), and of any other set ten classes are shown on
//! the grey of all the others.

use harness_plot::style::RGBColor;

use super::superclass;

/// The sequence for ten categories of M. A. Petroff (Accessible color sequences for data
/// visualization, 2021), which keeps them apart in the common forms of colour blindness
/// and, as far as ten allow it, in a grey print.
pub(super) const COLOURS: [RGBColor; 10] = [
    RGBColor(0x3f, 0x90, 0xda),
    RGBColor(0xff, 0xa9, 0x0e),
    RGBColor(0xbd, 0x1f, 0x01),
    RGBColor(0x94, 0xa4, 0xa2),
    RGBColor(0x83, 0x2d, 0xb6),
    RGBColor(0xa9, 0x6b, 0x59),
    RGBColor(0xe7, 0x63, 0x00),
    RGBColor(0xb9, 0xac, 0x70),
    RGBColor(0x71, 0x75, 0x81),
    RGBColor(0x92, 0xda, 0xdd),
];

/// Of classes that have no colour of their own.
pub(super) const OTHER: RGBColor = RGBColor(0xdd, 0xdf, 0xe2);

/// A line of the legend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// A class, or a group of classes.
    pub name: String,
    /// How it is drawn.
    pub colour: RGBColor,
}

/// Colours of the classes of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The legend; none where there is but one class.
    pub entries: Vec<Entry>,
    /// For each label its entry, or none.
    of: Vec<Option<usize>>,
    /// The last line of the legend, where classes have no entry.
    pub(super) others: Option<Entry>,
}

impl Key {
    /// Of classes by name; label `i` is the `i`-th.
    pub fn new(classes: &[&str]) -> Self {
        if classes.len() <= COLOURS.len() {
            let of = (0..classes.len()).map(Some).collect();
            return Self::with(classes, of);
        }
        let groups: Option<Vec<usize>> = classes.iter().map(|&c| superclass::group(c)).collect();
        if let Some(groups) = groups {
            let of = groups.into_iter().map(Some).collect();
            return Self::with(&superclass::GROUPS, of);
        }
        // Spread over all, for neighbouring names are often related.
        let shown: Vec<usize> = (0..COLOURS.len())
            .map(|i| i * classes.len() / COLOURS.len())
            .collect();
        let names: Vec<&str> = shown.iter().map(|&i| classes[i]).collect();
        let of = (0..classes.len()).map(|label| shown.iter().position(|&s| s == label));
        Self {
            others: Some(Entry {
                name: format!("{} other classes", classes.len() - shown.len()),
                colour: OTHER,
            }),
            ..Self::with(&names, of.collect())
        }
    }

    fn with(names: &[&str], of: Vec<Option<usize>>) -> Self {
        let entry = |(&name, colour): (&&str, RGBColor)| Entry {
            name: name.replace('_', " "),
            colour,
        };
        Self {
            entries: names.iter().zip(COLOURS).map(entry).collect(),
            of,
            others: None,
        }
    }

    /// The entry of a label; none for those that are drawn in grey.
    pub fn entry(&self, label: u16) -> Option<usize> {
        self.of.get(usize::from(label)).copied().flatten()
    }
}
