//! Shares of a grid: `--shard 2/8` is the second of eight.

use std::{fmt, str::FromStr};

/// One share of a grid. Cells are dealt like cards, by their position, so that every
/// share has some of what matters most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

/// A share that does not exist.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected I/N with I from 1 to N, as in 1/8, 2/8 ... 8/8; got {0:?} (shares are counted from 1)"
)]
pub struct ShardError(String);

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { index: 1, count: 1 };

    /// Share `index` of `count`, counted from 1.
    pub fn new(index: usize, count: usize) -> Result<Self, ShardError> {
        if (1..=count).contains(&index) {
            Ok(Self { index, count })
        } else {
            Err(ShardError(format!("{index}/{count}")))
        }
    }

    /// Whether the cell at a position (counted from 0) belongs to this share.
    pub fn has(self, position: usize) -> bool {
        position % self.count == self.index - 1
    }

    /// Whether it is all of the grid.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }

    /// Name of the share in file names: `2-of-8`.
    pub fn file_name(self) -> String {
        format!("{}-of-{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let number = |part: &str| {
            // `parse` takes a sign, which no share has.
            let digits = part.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| part.parse::<usize>().ok()).flatten()
        };
        text.split_once('/')
            .and_then(|(index, count)| Some((number(index)?, number(count)?)))
            .and_then(|(index, count)| Self::new(index, count).ok())
            .ok_or_else(|| ShardError(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_a_partition() {
        for count in 1..9 {
            for cells in [0, 1, 7, 8, 9, 100] {
                let shares: Vec<Shard> = (1..=count)
                    .map(|index| Shard::new(index, count).unwrap())
                    .collect();
                for position in 0..cells {
                    let owners = shares.iter().filter(|share| share.has(position)).count();
                    assert_eq!(owners, 1, "{position} of {cells} in {count}");
                }
                let sizes = shares
                    .iter()
                    .map(|share| (0..cells).filter(|&p| share.has(p)).count());
                let (least, most) = (sizes.clone().min().unwrap(), sizes.max().unwrap());
                assert!(most - least <= 1, "{least} to {most}");
            }
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "", "1", "/", "0/4", "5/4", "0/0", "1/0", "-1/4", "+1/4", "1/4/2", "a/b", "1 /2",
        ] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(error.contains("counted from 1"), "{error}");
        }
        assert_eq!("3/4".parse::<Shard>().unwrap().to_string(), "3/4");
        assert_eq!("3/4".parse::<Shard>().unwrap().file_name(), "3-of-4");
        assert!("1/1".parse::<Shard>().unwrap().is_whole());
    }
}
