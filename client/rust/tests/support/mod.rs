//! A server on this machine. It gives the answers that the test tells it, one for each request, and remembers the requests.

#![allow(dead_code)] // Not every test program uses everything.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpListener,
};

#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub path: String,
    /// By name, in lower case.
    pub headers: HashMap<String, String>,
    pub body: String,
}

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Server {
    /// Starts a server. Each answer is a status, further header lines and a body. When the answers are used up, the server closes
    /// connections without an answer.
    pub async fn start(answers: Vec<(u16, &str, String)>) -> Self {
        let whole = answers.into_iter().map(|(status, headers, body)| {
            let length = body.len();
            format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}")
        });
        Self::start_raw(whole.collect()).await
    }

    /// Does the same, but sends each answer as it stands, so that one may be cut off.
    pub async fn start_raw(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let memory = asked.clone();
        let mut answers = answers.into_iter();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let mut stream = BufReader::new(socket);
                let request = read(&mut stream).await;
                memory.lock().expect("no panic").push(request);
                if let Some(answer) = answers.next() {
                    stream.write_all(answer.as_bytes()).await.expect("a client that listens");
                    stream.shutdown().await.ok();
                }
            }
        });
        Self { url, asked }
    }

    /// An answer whose connection ends before its body does.
    pub fn cut_off(status: u16, body: &str) -> String {
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len() + 1)
    }

    pub fn whole(status: u16, body: &str) -> String {
        format!("HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}", body.len())
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no panic").clone()
    }
}

async fn read(stream: &mut BufReader<tokio::net::TcpStream>) -> Asked {
    let mut asked = Asked::default();
    let mut length = 0;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a line");
        if line.trim().is_empty() {
            break;
        }
        match line.trim().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().expect("digits")
            }
            Some((name, value)) => {
                asked.headers.insert(name.to_lowercase(), value.to_owned());
            }
            None => asked.path = line.split(' ').nth(1).unwrap_or_default().to_owned(),
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.expect("a whole body");
    asked.body = String::from_utf8(body).expect("text");
    asked
}
