//! Images as they lie in memory: bytes, one plane per channel.

use super::DataError;

/// `N` images of one shape. Image `i` is `pixels[i * image_len()..]`: its planes one
/// after the other (red, green, blue), each row by row from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    /// Planes of an image: 1 or 3.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
    /// All pixels.
    pub pixels: Vec<u8>,
}

impl Images {
    /// No images of the shape (channels, height, width).
    pub fn empty([channels, height, width]: [usize; 3]) -> Self {
        Self {
            channels,
            height,
            width,
            pixels: Vec::new(),
        }
    }

    /// (channels, height, width).
    pub fn shape(&self) -> [usize; 3] {
        [self.channels, self.height, self.width]
    }

    /// Bytes of one image.
    pub fn image_len(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Number of whole images; none where an image has no pixels.
    pub fn len(&self) -> usize {
        self.pixels.len().checked_div(self.image_len()).unwrap_or(0)
    }

    /// Whether there is no whole image.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Image `i`. Like indexing a slice, it panics where `i` is not below [`Self::len`].
    pub fn get(&self, i: usize) -> ImageRef<'_> {
        let len = self.image_len();
        ImageRef {
            channels: self.channels,
            height: self.height,
            width: self.width,
            pixels: &self.pixels[i * len..(i + 1) * len],
        }
    }

    /// Keeps the first `n` images, or all where there are fewer.
    pub fn truncate(&mut self, n: usize) {
        self.pixels.truncate(n.saturating_mul(self.image_len()));
    }

    /// Adds `more` behind the last image.
    pub fn append(&mut self, more: &Images) -> Result<(), DataError> {
        if self.shape() != more.shape() {
            return Err(DataError::Append {
                expected: self.shape(),
                found: more.shape(),
            });
        }
        self.pixels.extend_from_slice(&more.pixels);
        Ok(())
    }
}

/// One image, borrowed; the layout is that of [`Images`].
#[derive(Clone, Copy, Debug)]
pub struct ImageRef<'a> {
    /// Planes.
    pub channels: usize,
    /// Rows of a plane.
    pub height: usize,
    /// Columns of a plane.
    pub width: usize,
    /// `channels * height * width` bytes.
    pub pixels: &'a [u8],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> Images {
        Images {
            channels: 3,
            height: 1,
            width: 2,
            pixels: (0..12).collect(),
        }
    }

    #[test]
    fn images_follow_each_other() {
        let images = two();
        assert_eq!((images.len(), images.image_len()), (2, 6));
        assert_eq!(images.get(1).pixels, [6, 7, 8, 9, 10, 11]);
    }

    #[test]
    fn truncate_keeps_a_prefix_and_append_adds_behind() {
        let mut images = two();
        images.truncate(5);
        assert_eq!(images.len(), 2);
        images.truncate(1);
        images.append(&two()).unwrap();
        assert_eq!(images.len(), 3);
        assert_eq!(images.get(2).pixels, two().get(1).pixels);
        images.truncate(usize::MAX);
        assert_eq!(images.len(), 3);
    }

    #[test]
    fn shapes_do_not_mix_and_a_shape_without_pixels_is_empty() {
        let mut images = two();
        assert!(images.append(&Images::empty([1, 2, 3])).is_err());
        let mut none = Images::empty([3, 0, 4]);
        none.pixels.push(7);
        assert!(none.is_empty());
    }
}
