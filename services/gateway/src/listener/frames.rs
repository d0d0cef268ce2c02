//! The heads of HTTP/2 frames, read as they pass.

/// The nine bytes before the payload of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of the payload.
    pub(super) length: u32,
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
}

impl Head {
    pub(super) const LENGTH: usize = 9;

    pub(super) const DATA: u8 = 0;
    pub(super) const HEADERS: u8 = 1;
    pub(super) const RST_STREAM: u8 = 3;
    pub(super) const SETTINGS: u8 = 4;

    const END_STREAM: u8 = 1;
    const ACK: u8 = 1;

    pub(super) fn read(bytes: [u8; Self::LENGTH]) -> Self {
        let [a, b, c, kind, flags, s, t, u, v] = bytes;
        Self {
            length: u32::from_be_bytes([0, a, b, c]),
            kind,
            flags,
            stream: u32::from_be_bytes([s & 0x7f, t, u, v]),
        }
    }

    /// Whether it is a frame `DATA` or `HEADERS` after which its sender says nothing more on the stream.
    pub(super) fn ends_stream(self) -> bool {
        matches!(self.kind, Self::DATA | Self::HEADERS) && self.flags & Self::END_STREAM != 0
    }

    /// Whether it is the frame that every peer begins with.
    pub(super) fn opens_connection(self) -> bool {
        self.kind == Self::SETTINGS && self.flags & Self::ACK == 0 && self.stream == 0
    }
}

/// Finds the heads in one direction of a connection, in whatever pieces its bytes come. Payloads are not looked at.
#[derive(Debug)]
pub(super) struct Heads {
    /// Bytes that pass before the next head.
    skip: usize,
    head: [u8; Head::LENGTH],
    /// How many of them are there.
    known: usize,
}

impl Heads {
    /// Starts with so many bytes that are no frame.
    pub(super) fn after(skip: usize) -> Self {
        Self {
            skip,
            head: [0; Head::LENGTH],
            known: 0,
        }
    }

    /// Takes the next bytes off the front of `bytes`, up to the end of the next head; nothing once they are used up.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Option<Head> {
        let passing = self.skip.min(bytes.len());
        *bytes = bytes.get(passing..).unwrap_or_default();
        self.skip -= passing;
        let missing = self.head.get_mut(self.known..).unwrap_or_default();
        let count = missing.len().min(bytes.len());
        let (part, rest) = bytes.split_at_checked(count).unwrap_or_default();
        for (to, from) in missing.iter_mut().zip(part) {
            *to = *from;
        }
        *bytes = rest;
        self.known += count;
        if self.known < Head::LENGTH {
            return None;
        }
        let head = Head::read(self.head);
        self.known = 0;
        self.skip = usize::try_from(head.length).unwrap_or(usize::MAX);
        Some(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let [_, length @ ..] = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let stream = stream.to_be_bytes();
        [&length[..], &[kind, flags], &stream, payload].concat()
    }

    fn heads(skip: usize, pieces: &[&[u8]]) -> Vec<Head> {
        let mut heads = Heads::after(skip);
        let mut found = Vec::new();
        for piece in pieces {
            let mut rest = *piece;
            while let Some(head) = heads.next(&mut rest) {
                found.push(head);
            }
            assert!(rest.is_empty());
        }
        found
    }

    #[test]
    fn heads_are_found_wherever_the_bytes_are_split() {
        let bytes = [
            b"preface".to_vec(),
            frame(Head::SETTINGS, 0, 0, &[1; 18]),
            frame(Head::HEADERS, 5, 1, &[2; 300]),
            frame(Head::DATA, 0, 3, &[]),
            frame(200, 255, 0x7fff_ffff, &[3]),
        ]
        .concat();
        let whole = heads(7, &[&bytes]);
        let summary: Vec<_> = whole
            .iter()
            .map(|head| (head.length, head.kind, head.flags, head.stream))
            .collect();
        assert_eq!(
            summary,
            [
                (18, 4, 0, 0),
                (300, 1, 5, 1),
                (0, 0, 0, 3),
                (1, 200, 255, 0x7fff_ffff)
            ]
        );
        for at in 0..=bytes.len() {
            let (one, two) = bytes.split_at(at);
            assert_eq!(heads(7, &[one, two]), whole, "split at {at}");
        }
        let single: Vec<_> = bytes.chunks(1).collect();
        assert_eq!(heads(7, &single), whole);
    }

    #[test]
    fn the_reserved_bit_of_a_stream_is_ignored() {
        let bytes = frame(Head::DATA, 1, 0x8000_0001, &[]);
        assert_eq!(heads(0, &[&bytes])[0].stream, 1);
    }
}
