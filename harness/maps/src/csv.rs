//! Maps as a table for other tools.

use std::fmt::Write;

use super::{MapError, Panel, picture};

/// A row for each point of each panel: `panel,image,label,class,x,y`, with a line of
/// names first (RFC 4180, lines end with a line feed). `images` are the numbers of the
/// points in their data set, or empty where they are all of it.
pub fn csv(panels: &[Panel<'_>], classes: &[&str], images: &[usize]) -> Result<String, MapError> {
    let mut table = String::from("panel,image,label,class,x,y\n");
    for panel in panels {
        picture::check(panel)?;
        if !images.is_empty() && images.len() != panel.map.len() {
            return Err(MapError::Shape {
                operation: "writing coordinates",
                expected: format!("{} numbers of images", panel.map.len()),
                got: images.len().to_string(),
            });
        }
        let title = quoted(&panel.title);
        for (i, (&[x, y], &label)) in panel.map.iter().zip(panel.labels).enumerate() {
            let image = images.get(i).copied().unwrap_or(i);
            let class = quoted(classes.get(usize::from(label)).copied().unwrap_or(""));
            // Writing to a string does not fail. Numbers are the shortest that read
            // back as the same.
            let _ = writeln!(table, "{title},{image},{label},{class},{x},{y}");
        }
    }
    Ok(table)
}

/// A field with what would end it inside of quotes.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}
