//! An HTTP server on this machine that answers as it is told, and remembers what it was
//! asked.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// How to answer a request for a file that is there.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// This status and no file.
    pub(super) status: Option<u16>,
    /// A further line of the head.
    pub(super) header: &'static str,
    /// Whatever the request says, the file from its beginning.
    pub(super) no_ranges: bool,
    /// The connection ends after so many bytes of the body.
    pub(super) cut: Option<usize>,
    /// Nothing is sent for so long.
    pub(super) wait: Duration,
}

/// What was asked for: the path, and the value of `Range`.
pub(super) type Asked = (String, Option<String>);

pub(super) struct Server {
    pub(super) base: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Serves files by their paths. Requests get the answers in turn, and whole files when
    /// these are used up.
    pub(super) fn start(files: HashMap<String, Vec<u8>>, answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (files, log) = (Arc::new(files), asked.clone());
        let mut answers = answers.into_iter();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (files, log) = (files.clone(), log.clone());
                let answer = answers.next().unwrap_or_default();
                // That the client goes away is part of the tests.
                thread::spawn(move || serve(stream?, &files, &answer, &log));
            }
        });
        Self { base, asked }
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The ranges of all requests.
    pub(super) fn ranges(&self) -> Vec<Option<String>> {
        self.asked().into_iter().map(|(_, range)| range).collect()
    }
}

fn serve(
    mut stream: TcpStream,
    files: &HashMap<String, Vec<u8>>,
    answer: &Answer,
    log: &Mutex<Vec<Asked>>,
) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let first = lines.next().unwrap_or(Ok(String::new()))?;
    let path = first.split(' ').nth(1).unwrap_or("").to_owned();
    let mut range = None;
    for line in lines {
        let line = line?;
        if line.is_empty() {
            break;
        }
        if let Some(("range", value)) = line.to_lowercase().split_once(": ") {
            range = Some(value.to_owned());
        }
    }
    log.lock().unwrap().push((path.clone(), range.clone()));
    thread::sleep(answer.wait);

    let file = files.get(&path);
    let (Some(file), None) = (file, answer.status) else {
        let (status, header) = (answer.status.unwrap_or(404), answer.header);
        let head = format!(
            "HTTP/1.1 {status} No\r\nContent-Length: 0\r\nConnection: close\r\n{header}\r\n"
        );
        return stream.write_all(head.as_bytes());
    };
    let from = range.filter(|_| !answer.no_ranges).map(|range| {
        let from = range.trim_start_matches("bytes=").trim_end_matches('-');
        from.parse::<usize>().unwrap()
    });
    let (size, start) = (file.len(), from.unwrap_or(0));
    if start >= size {
        let head = "HTTP/1.1 416 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        return stream.write_all(head.as_bytes());
    }
    let body = &file[start..];
    let status = match from {
        Some(_) => format!(
            "206 Part\r\nContent-Range: bytes {start}-{}/{size}",
            size - 1
        ),
        None => "200 OK".to_owned(),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n",
        body.len(),
        answer.header
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body[..answer.cut.unwrap_or(body.len()).min(body.len())])
}
