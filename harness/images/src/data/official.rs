//! What the official files hold: so many records, in this many bytes, with this MD5 where
//! one is published for the content.
//!
//! MNIST's sums are of the unpacked files of the archives whose sums `remote` has;
//! STL-10's are those that torchvision checks. For the members of the CIFAR archives
//! none are published: their size is looked at, and the sum of the archive when it is
//! fetched.

use super::DatasetKind;

/// What the records of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Labelled training images, or such with their labels.
    Train,
    /// Test images, or such with their labels.
    Test,
    /// Images without labels.
    Unlabelled,
    /// Labels, one for each image of another file.
    Labels,
}

/// An official file, unpacked.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfficialFile {
    pub(super) name: &'static str,
    pub(super) part: Part,
    /// Number of records.
    pub(super) records: u64,
    /// Bytes of a record.
    pub(super) record: u64,
    /// Bytes before the first.
    pub(super) header: u64,
    /// Of the content, in hexadecimal.
    pub(super) md5: Option<&'static str>,
}

impl OfficialFile {
    const fn new(name: &'static str, part: Part, records: u64, record: u64) -> Self {
        Self {
            name,
            part,
            records,
            record,
            header: 0,
            md5: None,
        }
    }

    const fn after(self, header: u64) -> Self {
        Self { header, ..self }
    }

    const fn md5(self, md5: &'static str) -> Self {
        Self {
            md5: Some(md5),
            ..self
        }
    }
}

use Part::{Labels, Test, Train, Unlabelled};

const MNIST: [OfficialFile; 4] = [
    OfficialFile::new("train-images-idx3-ubyte", Train, 60_000, 784)
        .after(16)
        .md5("6bbc9ace898e44ae57da46a324031adb"),
    OfficialFile::new("train-labels-idx1-ubyte", Labels, 60_000, 1)
        .after(8)
        .md5("a25bea736e30d166cdddb491f175f624"),
    OfficialFile::new("t10k-images-idx3-ubyte", Test, 10_000, 784)
        .after(16)
        .md5("2646ac647ad5339dbf082846283269ea"),
    OfficialFile::new("t10k-labels-idx1-ubyte", Labels, 10_000, 1)
        .after(8)
        .md5("27ae3e4e09519cfbb04c329615203637"),
];

const CIFAR10: [OfficialFile; 6] = [
    OfficialFile::new("data_batch_1.bin", Train, 10_000, 3073),
    OfficialFile::new("data_batch_2.bin", Train, 10_000, 3073),
    OfficialFile::new("data_batch_3.bin", Train, 10_000, 3073),
    OfficialFile::new("data_batch_4.bin", Train, 10_000, 3073),
    OfficialFile::new("data_batch_5.bin", Train, 10_000, 3073),
    OfficialFile::new("test_batch.bin", Test, 10_000, 3073),
];

const CIFAR100: [OfficialFile; 2] = [
    OfficialFile::new("train.bin", Train, 50_000, 3074),
    OfficialFile::new("test.bin", Test, 10_000, 3074),
];

const STL10_IMAGE: u64 = 3 * 96 * 96;
const STL10: [OfficialFile; 5] = [
    OfficialFile::new("train_X.bin", Train, 5_000, STL10_IMAGE)
        .md5("918c2871b30a85fa023e0c44e0bee87f"),
    OfficialFile::new("train_y.bin", Labels, 5_000, 1).md5("5a34089d4802c674881badbb80307741"),
    OfficialFile::new("test_X.bin", Test, 8_000, STL10_IMAGE)
        .md5("7f263ba9f9e0b06b93213547f721ac82"),
    OfficialFile::new("test_y.bin", Labels, 8_000, 1).md5("36f9794fa4beb8a2c72628de14fa638e"),
    OfficialFile::new("unlabeled_X.bin", Unlabelled, 100_000, STL10_IMAGE)
        .md5("5242ba1fed5e4be9e1e742405eb56ca4"),
];

/// The official files of a data set; the built-in one has none.
pub(super) fn files(kind: DatasetKind) -> &'static [OfficialFile] {
    match kind {
        DatasetKind::Synthetic => &[],
        DatasetKind::Mnist => &MNIST,
        DatasetKind::Cifar10 => &CIFAR10,
        DatasetKind::Cifar100 => &CIFAR100,
        DatasetKind::Stl10 => &STL10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_agrees_with_the_formats() {
        for (kind, train, test, unlabelled, label_bytes) in [
            (DatasetKind::Mnist, 60_000, 10_000, 0, 0),
            (DatasetKind::Cifar10, 50_000, 10_000, 0, 1),
            (DatasetKind::Cifar100, 50_000, 10_000, 0, 2),
            (DatasetKind::Stl10, 5_000, 8_000, 100_000, 0),
        ] {
            let image: usize = kind.image_shape().iter().product();
            let sum = |part| -> u64 {
                let of_part = files(kind).iter().filter(|file| file.part == part);
                of_part.map(|file| file.records).sum()
            };
            assert_eq!((sum(Train), sum(Test)), (train, test), "{kind:?}");
            assert_eq!(sum(Unlabelled), unlabelled, "{kind:?}");
            for file in files(kind).iter().filter(|file| file.part != Labels) {
                assert_eq!(file.record, image as u64 + label_bytes, "{}", file.name);
            }
            let mut names: Vec<_> = files(kind).iter().map(|file| file.name).collect();
            let mut members = super::super::locate::members(kind);
            names.sort_unstable();
            members.sort_unstable();
            assert_eq!(names, members);
        }
    }
}
