//! A report that is written, and what every report must be.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use harness_study::{report::write, study::Study};

/// A report in a temporary folder, or in the one that SINSIM_REPORT names, to look at.
pub struct Report {
    folder: PathBuf,
    _temp: tempfile::TempDir,
}

impl Report {
    pub fn of(name: &str, study: impl FnOnce(&Path) -> Study) -> Self {
        let temp = tempfile::tempdir().unwrap();
        let folder = match std::env::var_os("SINSIM_REPORT") {
            Some(path) => Path::new(&path).join(name),
            None => temp.path().join("report"),
        };
        let study = study(&temp.path().join("runs"));
        write(&study, &folder).unwrap();
        let report = Self {
            folder,
            _temp: temp,
        };
        report.is_sound();
        report
    }

    pub fn text(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).unwrap()
    }

    pub fn has(&self, name: &str) -> bool {
        self.folder.join(name).exists()
    }

    pub fn lines(&self, name: &str) -> Vec<HashMap<String, String>> {
        let mut reader = csv::Reader::from_path(self.folder.join(name)).unwrap();
        reader.deserialize().map(|line| line.unwrap()).collect()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text("report.json")).unwrap()
    }

    /// What every report must be.
    fn is_sound(&self) {
        for file in fs::read_dir(&self.folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "svg") {
                well_formed(&fs::read_to_string(&path).unwrap());
            }
        }
        let html = self.text("report.html");
        assert!(html.starts_with("<!DOCTYPE html>") && html.ends_with("</html>"));
        assert!(!html.contains("<script"));
        balanced(&html);
        for svg in html.split("<svg").skip(1) {
            well_formed(&format!(
                "<svg{}</svg>",
                svg.split("</svg>").next().unwrap()
            ));
        }
        for name in [
            "report.html",
            "tables.md",
            "tables.csv",
            "summary.csv",
            "report.json",
        ] {
            let text = self.text(name);
            // As words: "information" has an inf too.
            let words = text.split(|letter: char| !letter.is_alphanumeric());
            assert!(
                !words
                    .into_iter()
                    .any(|word| ["NaN", "inf", "null null"].contains(&word)),
                "{name}"
            );
        }
        let cells = self.lines("tables.csv").len();
        assert_eq!(
            cells as u64,
            3 * self.json()["progress"]["cells"].as_u64().unwrap()
        );
    }
}

fn well_formed(xml: &str) {
    let mut reader = quick_xml::Reader::from_str(xml);
    reader.config_mut().check_end_names = true;
    let mut depth = 0;
    loop {
        match reader
            .read_event()
            .unwrap_or_else(|error| panic!("{error} in {xml:.300}"))
        {
            quick_xml::events::Event::Start(_) => depth += 1,
            quick_xml::events::Event::End(_) => depth -= 1,
            quick_xml::events::Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    // XML 1.0 has no way to write these.
    assert!(
        xml.chars()
            .all(|letter| !letter.is_control() || letter == '\n')
    );
}

/// Every element of the page that needs an end has one, in the right order.
fn balanced(html: &str) {
    const WITHOUT_END: [&str; 4] = ["meta", "img", "br", "!DOCTYPE"];
    let mut open: Vec<&str> = Vec::new();
    for part in html.split('<').skip(1) {
        let name = part.split(['>', ' ', '/', '\n']).next().unwrap();
        let tag = part.split('>').next().unwrap();
        if let Some(end) = part.strip_prefix('/') {
            let end = end.split('>').next().unwrap();
            assert_eq!(open.pop(), Some(end), "near {part:.80}");
        } else if !WITHOUT_END.contains(&name) && !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{open:?}");
}
