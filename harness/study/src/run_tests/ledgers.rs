//! What a ledger remembers, also of processes that were killed.

use std::{fs, io::Write};

use crate::{
    error::StudyError,
    ledger::{Event, Ledger, Writer},
    shard::Shard,
};

fn started(cell: &str) -> Event {
    Event::Started {
        cell: cell.to_owned(),
    }
}

fn failed(cell: &str) -> Event {
    Event::Failed {
        cell: cell.to_owned(),
        seconds: 1.5,
        reason: "two\nlines".to_owned(),
    }
}

fn done(cell: &str) -> Event {
    Event::Done {
        cell: cell.to_owned(),
        seconds: 2.0,
    }
}

#[test]
fn shares_write_files_of_their_own_and_are_read_as_one() {
    let temp = tempfile::tempdir().unwrap();
    let shard = |index| Shard::new(index, 2).unwrap();
    let mut first = Writer::open(temp.path(), temp.path(), shard(1)).unwrap();
    let mut second = Writer::open(temp.path(), temp.path(), shard(2)).unwrap();
    first.record(&started("a")).unwrap();
    second.record(&started("b")).unwrap();
    first.record(&failed("a")).unwrap();
    second.record(&done("b")).unwrap();
    let ledger = Ledger::read(temp.path()).unwrap();
    let a = &ledger.cells["a"];
    assert_eq!((a.attempts, a.failure.as_deref()), (1, Some("two\nlines")));
    assert_eq!(ledger.cells["b"].seconds, 2.0);
    // Tried again, it is no longer failed, and its time adds up.
    first.record(&started("a")).unwrap();
    first.record(&done("a")).unwrap();
    let ledger = Ledger::read(temp.path()).unwrap();
    let a = &ledger.cells["a"];
    assert_eq!(
        (a.attempts, a.failure.as_deref(), a.seconds),
        (2, None, 3.5)
    );
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 2);
}

#[test]
fn a_share_is_run_by_one_process() {
    let temp = tempfile::tempdir().unwrap();
    let open = || Writer::open(temp.path(), temp.path(), Shard::WHOLE);
    let first = open().unwrap();
    assert!(matches!(open(), Err(StudyError::Running { .. })));
    drop(first);
    drop(open().unwrap());
}

#[test]
fn a_line_that_was_cut_short_costs_that_line_alone() {
    let temp = tempfile::tempdir().unwrap();
    let open = || Writer::open(temp.path(), temp.path(), Shard::WHOLE).unwrap();
    open().record(&failed("a")).unwrap();
    let path = temp.path().join("1-of-1.jsonl");
    let text = fs::read_to_string(&path).unwrap();
    let mut file = fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(&text.as_bytes()[..text.len() / 2]).unwrap();
    assert_eq!(Ledger::read(temp.path()).unwrap().unreadable, 1);
    open().record(&done("b")).unwrap();
    let ledger = Ledger::read(temp.path()).unwrap();
    assert_eq!(ledger.unreadable, 1);
    assert!(ledger.cells["a"].failure.is_some());
    assert_eq!(ledger.cells["b"].seconds, 2.0);
}
