//! The data sets that the program knows, and what is constant about each.

use super::classes;

/// A data set.
#[derive(
    clap::ValueEnum, serde::Serialize, serde::Deserialize, Clone, Copy, Debug, PartialEq, Eq,
)]
#[serde(rename_all = "lowercase")]
pub enum DatasetKind {
    /// Built in: ten shapes and textures under clutter, drawn from the seed (32×32 RGB)
    Synthetic,
    /// Handwritten digits (28×28 grey)
    Mnist,
    /// Photographs of ten classes (32×32 RGB)
    Cifar10,
    /// Photographs of a hundred classes (32×32 RGB)
    Cifar100,
    /// Photographs of ten classes, and many without labels (96×96 RGB)
    Stl10,
}

impl DatasetKind {
    /// Name on the command line, in files, and of the folder below the data root.
    pub fn name(self) -> &'static str {
        match self {
            Self::Synthetic => "synthetic",
            Self::Mnist => "mnist",
            Self::Cifar10 => "cifar10",
            Self::Cifar100 => "cifar100",
            Self::Stl10 => "stl10",
        }
    }

    /// Whether images are characters, which a mirror image turns into something else.
    pub fn is_digits(self) -> bool {
        self == Self::Mnist
    }

    /// Names of the classes; label `i` is the `i`-th.
    pub fn classes(self) -> &'static [&'static str] {
        match self {
            Self::Synthetic => &classes::SYNTHETIC,
            Self::Mnist => &classes::MNIST,
            Self::Cifar10 => &classes::CIFAR10,
            Self::Cifar100 => &classes::CIFAR100,
            Self::Stl10 => &classes::STL10,
        }
    }

    /// Number of classes.
    pub fn class_count(self) -> usize {
        self.classes().len()
    }

    /// Shape of an image: channels, height, width.
    pub fn image_shape(self) -> [usize; 3] {
        match self {
            Self::Synthetic | Self::Cifar10 | Self::Cifar100 => [3, 32, 32],
            Self::Mnist => [1, 28, 28],
            Self::Stl10 => [3, 96, 96],
        }
    }

    /// Mean of each channel over the official training images, for bytes scaled to [0, 1].
    pub fn channel_mean(self) -> &'static [f32] {
        match self {
            Self::Synthetic => &[0.498, 0.497, 0.497],
            Self::Mnist => &[0.1307],
            Self::Cifar10 => &[0.4914, 0.4822, 0.4465],
            Self::Cifar100 => &[0.5071, 0.4865, 0.4409],
            Self::Stl10 => &[0.4467, 0.4398, 0.4066],
        }
    }

    /// Standard deviation of each channel, as [`Self::channel_mean`].
    pub fn channel_std(self) -> &'static [f32] {
        match self {
            Self::Synthetic => &[0.25, 0.25, 0.25],
            Self::Mnist => &[0.3081],
            Self::Cifar10 => &[0.2470, 0.2435, 0.2616],
            Self::Cifar100 => &[0.2673, 0.2564, 0.2762],
            Self::Stl10 => &[0.2603, 0.2566, 0.2713],
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn one_name_everywhere() {
        for kind in DatasetKind::value_variants() {
            let value = kind.to_possible_value().unwrap();
            assert_eq!(value.get_name(), kind.name());
            assert_eq!(
                serde_json::to_string(kind).unwrap(),
                format!("\"{}\"", kind.name())
            );
        }
    }

    #[test]
    fn constants_fit_each_other() {
        for kind in DatasetKind::value_variants() {
            let channels = kind.image_shape()[0];
            assert_eq!(kind.channel_mean().len(), channels);
            assert_eq!(kind.channel_std().len(), channels);
            let mut names = kind.classes().to_vec();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), kind.class_count());
        }
    }
}
