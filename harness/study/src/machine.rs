//! What a study ran on, in a line.

use std::fs;

/// Processor, cores and system of this machine.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let processor = fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|text| value(&text, "model name").map(str::to_owned))
        .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let system = fs::read_to_string("/etc/os-release")
        .ok()
        .and_then(|text| value(&text, "PRETTY_NAME").map(|name| name.trim_matches('"').to_owned()))
        .unwrap_or_else(|| std::env::consts::OS.to_owned());
    let plural = if cores == 1 { "" } else { "s" };
    format!("{processor}, {cores} core{plural}, {system}")
}

/// The value of a line `key : value` or `key=value`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(key)?.trim_start();
        let value = rest.strip_prefix([':', '='])?.trim();
        (!value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let text = "model : 7\nmodel name\t: Some CPU @ 2 GHz\nNAME=x\nEMPTY=\n";
        assert_eq!(value(text, "model name"), Some("Some CPU @ 2 GHz"));
        assert_eq!(value(text, "NAME"), Some("x"));
        assert_eq!(value(text, "EMPTY"), None);
        assert!(describe().contains(" core"));
    }
}
