//! Frames of HTTP/2 by hand.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use crate::running::PATIENCE;

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const PRIORITY: u8 = 2;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const WINDOW_UPDATE: u8 = 8;
pub(crate) const CONTINUATION: u8 = 9;

pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

/// A message of no bytes.
pub(crate) const EMPTY: &[u8] = &[0; 5];

pub(crate) const LIST_ACCOUNTS: &str = "/kabao.v1.AccountService/ListAccounts";
pub(crate) const REFLECTION: &str = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

/// A connection whose every byte is chosen.
pub(crate) struct Raw {
    ears: Ears,
    mouth: Mouth,
}

/// Where frames come in.
pub(crate) struct Ears(OwnedReadHalf);

/// Where bytes go out.
pub(crate) struct Mouth(OwnedWriteHalf);

/// One frame that came back.
pub(crate) struct Frame {
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: u32,
    pub(crate) length: u32,
}

impl Raw {
    /// Connects and says nothing.
    pub(crate) async fn silent(address: SocketAddr, from: IpAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // What is not read stays where it comes from.
        socket.set_recv_buffer_size(4096).unwrap();
        socket.bind(SocketAddr::new(from, 0)).unwrap();
        let stream = timeout(PATIENCE, socket.connect(address)).await;
        let (ears, mouth) = stream.expect("a connection").unwrap().into_split();
        Self {
            ears: Ears(ears),
            mouth: Mouth(mouth),
        }
    }

    /// Connects and says what every client says first, with `settings`.
    pub(crate) async fn open(address: SocketAddr, from: IpAddr, settings: &[u8]) -> Self {
        let mut raw = Self::silent(address, from).await;
        let hello = [PREFACE, &frame(SETTINGS, 0, 0, settings)].concat();
        raw.say(&hello).await.unwrap();
        raw
    }

    pub(crate) fn split(self) -> (Ears, Mouth) {
        (self.ears, self.mouth)
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.mouth.say(bytes).await
    }

    /// The next frame; nothing once the peer has hung up.
    pub(crate) async fn hear(&mut self) -> Option<Frame> {
        self.ears.hear().await
    }

    /// Listens until `stream` has ended.
    pub(crate) async fn hear_end_of(&mut self, stream: u32) {
        let ending = async {
            while let Some(frame) = self.hear().await {
                let is_end = matches!(frame.kind, DATA | HEADERS) && frame.flags & END_STREAM != 0;
                if frame.stream == stream && is_end {
                    return;
                }
            }
            panic!("the connection ended before stream {stream}");
        };
        timeout(PATIENCE, ending).await.expect("an answer");
    }
}

impl Ears {
    pub(crate) async fn hear(&mut self) -> Option<Frame> {
        let mut head = [0; 9];
        self.0.read_exact(&mut head).await.ok()?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut payload).await.ok()?;
        Some(Frame {
            kind,
            flags,
            stream: u32::from_be_bytes(stream),
            length,
        })
    }
}

impl Mouth {
    pub(crate) async fn say(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes).await
    }
}

/// One frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = Vec::from(length);
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// The headers of a call, without an end of the stream.
pub(crate) fn call(stream: u32, path: &str) -> Vec<u8> {
    // POST, http; the rest stands there in letters.
    let mut block = vec![0x83, 0x86, 0x04];
    let mut text = |text: &str| {
        block.push(u8::try_from(text.len()).unwrap());
        block.extend(text.as_bytes());
    };
    text(path);
    for (name, value) in [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("grpc-timeout", "60S"),
    ] {
        text("");
        text(name);
        text(value);
    }
    frame(HEADERS, END_HEADERS, stream, &block)
}

/// A whole call with an empty message.
pub(crate) fn whole_call(stream: u32, path: &str) -> Vec<u8> {
    let mut said = call(stream, path);
    said.extend(frame(DATA, END_STREAM, stream, EMPTY));
    said
}

/// Asks a stream of reflection for a file of more than ten kilobytes.
pub(crate) fn ask_for_file(flags: u8, stream: u32) -> Vec<u8> {
    let symbol = b"\x22\x16kabao.v1.MemberService";
    let message = [&[0, 0, 0, 0, 24][..], symbol].concat();
    frame(DATA, flags, stream, &message)
}

/// The numbers of the first `count` streams.
pub(crate) fn streams(count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(|number| 2 * number + 1)
}
