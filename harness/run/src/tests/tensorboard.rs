//! Event files, read by a parser that shares nothing with the writer, and by
//! TensorBoard itself where it is installed.

use std::{fs, path::Path, process::Command};

use super::names;
use crate::{
    metrics::{Record, Sinkhorn},
    tensorboard::{TensorBoard, now},
};

/// An event: its step, and what it says.
#[derive(Debug, PartialEq)]
enum Said {
    Version(String),
    Start(u64),
    Scalar(u64, String, f32),
}

/// Events of a file up to a record that was cut short.
fn read(path: &Path) -> Vec<Said> {
    let bytes = fs::read(path).unwrap();
    let (mut at, mut said) = (&bytes[..], Vec::new());
    while let Some((length, rest)) = at.split_first_chunk::<8>() {
        let size = u64::from_le_bytes(*length) as usize;
        let Some((data, tail)) = rest.get(4..).and_then(|data| data.split_at_checked(size)) else {
            break;
        };
        let Some((check, tail)) = tail.split_first_chunk::<4>() else {
            break;
        };
        assert_eq!(rest[..4], masked(length), "checksum of the length");
        assert_eq!(*check, masked(data), "checksum of the data");
        said.extend(event(data));
        at = tail;
    }
    said
}

/// CRC-32C bit by bit (polynomial 0x1EDC6F41, reflected), masked.
fn masked(data: &[u8]) -> [u8; 4] {
    let crc = !data.iter().fold(!0_u32, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0x82f6_3b78 } else { 0 }
        })
    });
    crc.rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// Field numbers of a message with their bytes; a number's are little-endian.
fn fields(mut data: &[u8]) -> Vec<(u64, Vec<u8>)> {
    fn varint(data: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let byte = data[0];
            *data = &data[1..];
            value |= u64::from(byte & 127) << shift;
            shift += 7;
            if byte < 128 {
                return value;
            }
        }
    }
    let mut fields = Vec::new();
    while !data.is_empty() {
        let key = varint(&mut data);
        let content = match key & 7 {
            0 => varint(&mut data).to_le_bytes().to_vec(),
            kind => {
                let size = match kind {
                    1 => 8,
                    2 => varint(&mut data) as usize,
                    5 => 4,
                    _ => panic!("wire type {kind}"),
                };
                let (content, rest) = data.split_at(size);
                data = rest;
                content.to_vec()
            }
        };
        fields.push((key >> 3, content));
    }
    fields
}

fn event(data: &[u8]) -> Vec<Said> {
    let (mut step, mut said) = (0, Vec::new());
    for (field, content) in fields(data) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        match field {
            1 => assert!(f64::from_le_bytes(content.try_into().unwrap()) > 1e9),
            2 => step = u64::from_le_bytes(content.try_into().unwrap()),
            3 => said.push(Said::Version(text(&content))),
            5 => {
                for (_, value) in fields(&content) {
                    let [(1, tag), (2, value)] = &fields(&value)[..] else {
                        panic!("not a tag and a simple value")
                    };
                    let value = f32::from_le_bytes(value[..].try_into().unwrap());
                    said.push(Said::Scalar(step, text(tag), value));
                }
            }
            7 => {
                assert_eq!(fields(&content), [(1, 1_u64.to_le_bytes().to_vec())]);
                said.push(Said::Start(step));
            }
            _ => panic!("field {field}"),
        }
    }
    said
}

fn version() -> Said {
    Said::Version("brain.Event:2".into())
}

fn scalar(step: u64, tag: &str, value: f32) -> Said {
    Said::Scalar(step, tag.into(), value)
}

#[test]
fn what_is_written_is_read_and_no_number_is_lost() {
    let temp = tempfile::tempdir().unwrap();
    let mut board = TensorBoard::open(temp.path(), 1).unwrap();
    let values = [
        ("zero", 0.0),
        ("endless", f64::NEG_INFINITY),
        ("größe", 1e-3),
    ];
    board.scalars(1, now(), &values).unwrap();
    board.scalars(u64::MAX, now(), &[("late", 2.5)]).unwrap();
    board.scalars(3, now(), &[]).unwrap();
    let expected = [
        version(),
        Said::Start(1),
        scalar(1, "zero", 0.0),
        scalar(1, "endless", f32::NEG_INFINITY),
        scalar(1, "größe", 1e-3),
        scalar(i64::MAX as u64, "late", 2.5),
    ];
    assert_eq!(read(board.path()), expected);
    board.scalars(3, now(), &[("none", f64::NAN)]).unwrap();
    let said = read(board.path());
    assert!(matches!(said.last(), Some(Said::Scalar(3, _, value)) if value.is_nan()));
}

#[test]
fn a_record_is_written_with_all_that_it_holds() {
    let temp = tempfile::tempdir().unwrap();
    let mut board = TensorBoard::open(temp.path(), 7).unwrap();
    let record = Record {
        step: 7,
        epoch: 1,
        loss: 5.5,
        terms: [("nt_xent".into(), 5.25)].into(),
        sinkhorn: Some(Sinkhorn {
            marginal_error: 0.125,
            iterations: 14.0,
            converged: true,
        }),
        diagnostics: [("effective_rank".into(), 30.0)].into(),
        learning_rate: 0.5,
        images_per_second: 400.0,
    };
    board.record(&record, now()).unwrap();
    let expected = [
        ("train/loss", 5.5),
        ("train/learning_rate", 0.5),
        ("train/images_per_second", 400.0),
        ("terms/nt_xent", 5.25),
        ("diagnostics/effective_rank", 30.0),
        ("sinkhorn/marginal_error", 0.125),
        ("sinkhorn/iterations", 14.0),
    ];
    let expected: Vec<Said> = expected.map(|(tag, value)| scalar(7, tag, value)).into();
    assert_eq!(read(board.path())[2..], expected);
}

/// Three starts within a second: of steps 1 to 5, of which a kill cuts the last short,
/// then from 4 on, then from 6 on after the clock was set back.
fn three_starts(run: &Path) -> Vec<Vec<Said>> {
    let mut paths = Vec::new();
    for (first, last) in [(1, 5), (4, 5), (6, 7)] {
        let mut board = TensorBoard::open(run, first).unwrap();
        let start = first as f64 / 10.0;
        for step in first..=last {
            let values = [("train/loss", step as f64 + start), ("train/lr", 0.25)];
            board.scalars(step, now(), &values).unwrap();
        }
        if first == 1 {
            let file = fs::OpenOptions::new()
                .write(true)
                .open(board.path())
                .unwrap();
            let length = file.metadata().unwrap().len();
            file.set_len(length - 9).unwrap();
        }
        let mut path = board.path().to_owned();
        if first == 4 {
            // As if made in the year 2200.
            path = path.with_file_name("events.out.tfevents.7258118400.sinsim");
            fs::rename(board.path(), &path).unwrap();
        }
        paths.push(path);
    }
    let sorted: Vec<_> = names(&run.join("tensorboard"));
    let made = paths
        .iter()
        .map(|path| path.file_name().unwrap().to_str().unwrap());
    assert_eq!(sorted, made.collect::<Vec<_>>(), "read in another order");
    paths.iter().map(|path| read(path)).collect()
}

#[test]
fn each_start_has_a_file_that_voids_what_it_repeats() {
    let temp = tempfile::tempdir().unwrap();
    let files = three_starts(temp.path());
    for (said, (first, steps)) in files.iter().zip([(1, 4), (4, 2), (6, 2)]) {
        assert_eq!(said[..2], [version(), Said::Start(first)]);
        assert_eq!(said.len(), 2 + 2 * steps);
    }
}

/// Skipped where `$PYTHON` (or `python3`) has no TensorBoard. Passed with TensorBoard
/// 2.21 under Python 3.11.
#[test]
fn tensorboard_reads_it_and_shows_no_step_twice() {
    let python = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
    let script = "
import sys
try:
    from tensorboard.backend.event_processing import event_accumulator
except ImportError:
    print('absent'); sys.exit()
events = event_accumulator.EventAccumulator(sys.argv[1]); events.Reload()
print(sorted(events.Tags()['scalars']))
print([(e.step, round(e.value, 4)) for e in events.Scalars('train/loss')])
";
    let temp = tempfile::tempdir().unwrap();
    three_starts(temp.path());
    let folder = temp.path().join("tensorboard");
    let answer = Command::new(&python)
        .args(["-c", script])
        .arg(&folder)
        .output();
    let text = match &answer {
        Ok(output) => String::from_utf8_lossy(&output.stdout),
        Err(_) => "absent".into(),
    };
    if text.trim() == "absent" {
        eprintln!("skipped: {python:?} has no TensorBoard");
        return;
    }
    let steps = "(1, 1.1), (2, 2.1), (3, 3.1), (4, 4.4), (5, 5.4), (6, 6.6), (7, 7.6)";
    let expected = format!("['train/loss', 'train/lr']\n[{steps}]\n");
    assert_eq!(text.replace("\r\n", "\n"), expected, "{answer:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let mut board = TensorBoard::over(Path::new("/dev/full"));
    let message = board.scalars(1, now(), &[("loss", 1.0)]).unwrap_err();
    let message = message.to_string();
    assert!(
        message.contains("/dev/full") && message.contains("free some space"),
        "{message}"
    );
}
